import type { ErrorObject, ValidateFunction } from "ajv";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { messageOf } from "../../protocol/errors.ts";
import type { CatalogueEntry } from "./entry.ts";
import type { CatalogueProblem } from "./problem.ts";

/** An entry, and where its parts stand in its file. */
export interface ParsedEntry {
  readonly file: string;
  readonly entry: CatalogueEntry;
  lineOf(path: readonly string[]): number;
}

export type EntryResult =
  | { readonly tag: "ok"; readonly parsed: ParsedEntry }
  | { readonly tag: "damaged"; readonly problems: readonly CatalogueProblem[] };

type Document = ReturnType<typeof parseDocument>;

/** Longest quotation of a wrong value in a message. */
const LONGEST_QUOTE = 60;

const CORRECT = "correct it";

const lineIn = (document: Document, lines: LineCounter, path: readonly string[]): number => {
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

const quote = (value: unknown): string => {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value);
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}...`;
};

/** One thing that the schema refuses, in words. A key that does not belong may be why another one is missing. */
const inWords = (error: ErrorObject): Pick<CatalogueProblem, "found" | "next"> & { readonly key?: string } => {
  const { keyword, params } = error;
  if (keyword === "additionalProperties") {
    const key = String(params.additionalProperty);
    return { found: `expected no ${key}`, next: "remove it or correct its spelling", key };
  }
  if (keyword === "required") {
    return { found: `expected a ${String(params.missingProperty)}, which is missing`, next: "add it" };
  }
  if (keyword === "discriminator") {
    const found = quote(params.tagValue);
    return { found: `expected one of ble, serial, found ${found}`, next: CORRECT, key: String(params.tag) };
  }
  const stated: unknown = error.parentSchema?.expected;
  const expected = typeof stated === "string" ? stated : `what ${error.message ?? keyword}`;
  return { found: `expected ${expected}, found ${quote(error.data)}`, next: CORRECT };
};

/** What the schema cannot say. */
const crossCheck = (file: string, entry: CatalogueEntry): readonly Omit<CatalogueProblem, "line">[] => {
  const problems: Omit<CatalogueProblem, "line">[] = [];
  const report = (path: string, found: string, next: string): void => {
    problems.push({ level: "error", file, path, found, next });
  };
  const name = file.replace(/\.yaml$/, "");
  if (entry.id !== name) report("id", `expected ${name}, as the file, found ${entry.id}`, "rename one of them");
  if (entry.status === "withdrawn" && entry.withdrawn === undefined) {
    report("status", "expected withdrawn: with date and reason beside it, found none", "say when and why");
  }
  if (entry.withdrawn !== undefined && entry.status !== "withdrawn") {
    report("withdrawn", "expected status: withdrawn beside it", "add that, or take the withdrawal out");
  }
  if (entry.status === "certified" && entry.certification.scheme === null) {
    report("status", "expected certification.scheme to say by whom, found null", "name it, or say not-certified");
  }
  return problems;
};

/** The text of one file as an entry, or everything that is wrong with it. Pure. */
export const parseEntry = (file: string, text: string, check: ValidateFunction): EntryResult => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (path: readonly string[]): number => lineIn(document, lines, path);
  const whole = (found: string, line = 1): EntryResult => ({
    tag: "damaged",
    problems: [{ level: "error", file, line, path: "(file)", found, next: CORRECT }],
  });
  const [fault] = document.errors;
  if (fault !== undefined) {
    return whole(`expected YAML, found: ${messageOf(fault)}`, lines.linePos(fault.pos[0]).line);
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (thrown) {
    return whole(`expected YAML, found: ${messageOf(thrown)}`);
  }
  if (value === null || value === undefined) return whole("expected a catalogue entry, found nothing");
  if (!check(value)) {
    const problems = (check.errors ?? []).map((error): CatalogueProblem => {
      const { found, next, key } = inWords(error);
      const pointer = error.instancePath.split("/").slice(1);
      const path = key === undefined ? pointer : [...pointer, key];
      return { level: "error", file, line: lineOf(path), path: path.join(".") || "(file)", found, next };
    });
    return { tag: "damaged", problems };
  }
  const entry = value as CatalogueEntry;
  const problems = crossCheck(file, entry).map((one) => ({ ...one, line: lineOf(one.path.split(".")) }));
  return problems.length > 0 ? { tag: "damaged", problems } : { tag: "ok", parsed: { file, entry, lineOf } };
};
