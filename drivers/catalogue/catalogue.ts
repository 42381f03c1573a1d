import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { CatalogueEntry } from "./entry.ts";
import { ENTRY_SCHEMAS } from "./entry-schema.ts";

/** The device models that this hub may read from, by id. */
export interface Catalogue {
  readonly entries: readonly CatalogueEntry[];
  entry(id: string): CatalogueEntry | undefined;
}

/** Names that an entry may refer to. Where one is given, an entry that names anything else is refused. */
export interface CatalogueChecks {
  readonly drivers?: ReadonlySet<string>;
  readonly quantities?: ReadonlySet<string>;
}

type Document = ReturnType<typeof parseDocument>;

type Validators = Record<"ble" | "serial", ReturnType<Ajv["compile"]>>;

/** Compiled once for all entries of a load: compiling takes longer than everything else here. */
const createValidators = (): Validators => {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strict: true });
  return { ble: ajv.compile(ENTRY_SCHEMAS.ble), serial: ajv.compile(ENTRY_SCHEMAS.serial) };
};

const lineOf = (document: Document, lines: LineCounter, path: readonly string[]): number => {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === path[length - 1])
      : undefined;
    const key = pair?.key;
    const node = isScalar(key) ? key : document.getIn(path.slice(0, length), true);
    const range = isScalar(node) || isMap(node) ? node.range : undefined;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
};

const expected = ({ keyword, params, message }: ErrorObject): string => {
  if (keyword === "enum") return `expected one of ${(params.allowedValues as unknown[]).join(", ")}`;
  if (keyword === "const") return `expected ${String(params.allowedValue)}`;
  if (keyword === "required") return `expected a ${String(params.missingProperty)}, which is missing`;
  if (keyword === "additionalProperties") {
    return `expected no ${String(params.additionalProperty)}; remove it or correct its spelling`;
  }
  return `expected what ${message ?? keyword}`;
};

const invalid = (file: string, line: number, path: string, sentence: string): HubError =>
  new HubError("invalid-config", `catalogue ${file}, line ${line}, ${path}: ${sentence}`, { context: { line } });

const parseEntry = (file: string, text: string, validators: Validators, checks: CatalogueChecks): CatalogueEntry => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const [at] = fault.linePos ?? [];
    throw invalid(
      file,
      at?.line ?? 1,
      "(file)",
      `expected YAML, found: ${messageOf(fault).split(" at line")[0] ?? ""}`,
    );
  }
  const value: unknown = document.toJS();
  const transport = (value as { transport?: unknown } | null)?.transport;
  const validate = transport === "serial" ? validators.serial : validators.ble;
  if (!validate(value)) {
    // A key that does not belong is the likely reason for one that is missing.
    const error = validate.errors?.find((one) => one.keyword === "additionalProperties") ?? validate.errors?.[0];
    const path = (error?.instancePath ?? "").split("/").slice(1);
    const at = error?.keyword === "additionalProperties" ? [...path, String(error.params.additionalProperty)] : path;
    const sentence = error === undefined ? "expected a catalogue entry" : expected(error);
    throw invalid(file, lineOf(document, lines, at), at.join(".") || "(file)", sentence);
  }
  const entry = value as CatalogueEntry;
  const known = (path: readonly string[], names: ReadonlySet<string> | undefined, name: string): void => {
    if (names === undefined || names.has(name)) return;
    const sentence = `${name} is not known here; expected one this hub has`;
    throw invalid(file, lineOf(document, lines, path), path.join("."), sentence);
  };
  if (`${entry.id}.yaml` !== file) {
    throw invalid(file, lineOf(document, lines, ["id"]), "id", `expected ${file.replace(/\.yaml$/, "")}, as the file`);
  }
  known(["driver"], checks.drivers, entry.driver);
  entry.quantities.forEach((quantity, index) => {
    known(["quantities", String(index)], checks.quantities, quantity);
  });
  return entry;
};

/**
 * Load every `*.yaml` of a folder (by default the one beside this code). Rejects with HubError `invalid-config` that
 * names the file, the line, what was expected, for the first entry that is not as it should be.
 */
export const loadCatalogue = async (
  folder: string = import.meta.dirname,
  checks: CatalogueChecks = {},
): Promise<Catalogue> => {
  const names = await readdir(folder).catch((cause: unknown) => {
    const message = `catalogue folder ${folder}: cannot be read (${messageOf(cause)}); correct its path`;
    throw new HubError("invalid-config", message, { cause });
  });
  const files = names.filter((name) => name.endsWith(".yaml")).sort();
  const validators = createValidators();
  const entries = await Promise.all(
    files.map(async (file) => parseEntry(file, await readFile(join(folder, file), "utf8"), validators, checks)),
  );
  const byId = new Map<string, CatalogueEntry>(entries.map((entry) => [entry.id, entry]));
  return { entries, entry: (id) => byId.get(id) };
};
