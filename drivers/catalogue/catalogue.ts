import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { type CatalogueEntry, statusOf } from "./entry.ts";
import { createEntryChecker } from "./entry-schema-check.ts";
import { type ParsedEntry, parseEntry } from "./parse-entry.ts";
import type { CatalogueProblem } from "./problem.ts";

/** The device models that this hub may read from, by id. */
export interface Catalogue {
  readonly entries: readonly CatalogueEntry[];
  entry(id: string): CatalogueEntry | undefined;
}

/** What a folder holds, right or wrong. */
export interface CatalogueFolder {
  readonly parsed: readonly ParsedEntry[];
  readonly problems: readonly CatalogueProblem[];
  /** Every name in the folder, also of what is no entry. */
  readonly names: readonly string[];
}

/** The catalogue that stands beside this code. */
export const SHIPPED_CATALOGUE: string = import.meta.dirname;

/** More than any region certifies; each file is about 1 kB. */
const MOST_ENTRIES = 2000;

/** Some 60 times a usual entry, for long sources. */
const LARGEST_FILE_BYTES = 64 * 1024;

export const catalogueOf = (entries: readonly CatalogueEntry[]): Catalogue => {
  const byId = new Map<string, CatalogueEntry>(entries.map((entry) => [entry.id, entry]));
  return { entries, entry: (id) => byId.get(id) };
};

const readEntry = async (path: string): Promise<string> => {
  const { size } = await stat(path);
  if (size > LARGEST_FILE_BYTES) throw new Error(`${size} bytes, at most ${LARGEST_FILE_BYTES}`);
  return await readFile(path, "utf8");
};

/** Read every `*.yaml` of a folder. Rejects with HubError `invalid-config` only where the folder cannot be read. */
export const readCatalogueFolder = async (folder: string): Promise<CatalogueFolder> => {
  const unreadable = (found: string, cause?: unknown): HubError => {
    const message = `catalogue folder ${folder}: cannot be read (${found}); correct its path`;
    return new HubError("invalid-config", message, { cause });
  };
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(messageOf(cause), cause);
  });
  const files = names.filter((name) => name.endsWith(".yaml")).sort();
  if (files.length > MOST_ENTRIES) throw unreadable(`${files.length} entries, at most ${MOST_ENTRIES}`);
  const check = createEntryChecker();
  const parsed: ParsedEntry[] = [];
  const problems: CatalogueProblem[] = [];
  for (const file of files) {
    const text = await readEntry(join(folder, file)).catch((cause: unknown) => {
      throw unreadable(`${file}: ${messageOf(cause)}`, cause);
    });
    const result = parseEntry(file, text, check);
    if (result.tag === "ok") parsed.push(result.parsed);
    else problems.push(...result.problems);
  }
  return { parsed, problems, names: names.sort() };
};

/**
 * Load every `*.yaml` of a folder (by default the one beside this code). Rejects with HubError `invalid-config` that
 * names the file, the line, what was expected, what was found and the next step, for the first entry that is not as it
 * should be; so does a folder without any entry.
 */
export const loadCatalogue = async (folder: string = SHIPPED_CATALOGUE): Promise<Catalogue> => {
  const { parsed, problems } = await readCatalogueFolder(folder);
  // A key that does not belong is the likely reason for one that is missing.
  const first = problems.find(({ found }) => found.startsWith("expected no ")) ?? problems[0];
  if (first !== undefined) {
    const { file, line, path, found, next } = first;
    const message = `catalogue ${file}, line ${line}, ${path}: ${found}; ${next}`;
    throw new HubError("invalid-config", message, { context: { line } });
  }
  if (parsed.length === 0) {
    const message = `catalogue folder ${folder}: has no entry (*.yaml); give the folder that holds the models`;
    throw new HubError("invalid-config", message);
  }
  return catalogueOf(parsed.map(({ entry }) => entry));
};

/** The withdrawals of a folder that is damaged elsewhere: what was withdrawn stays so, whatever else is wrong. */
export const withdrawalsIn = async (folder: string): Promise<readonly CatalogueEntry[]> => {
  const found = await readCatalogueFolder(folder).catch(() => null);
  return (found?.parsed ?? []).map(({ entry }) => entry).filter((entry) => statusOf(entry) === "withdrawn");
};
