import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Catalogue, catalogueOf, loadCatalogue } from "./catalogue.ts";
import type { CatalogueEntry } from "./entry.ts";

/**
 * Beside a folder of entries, the same entries read and checked already: a release has it, because reading YAML takes a
 * tenth of the time until a hub sends. It holds for exactly the texts that it was made of.
 */
const readyFile = (folder: string): string => `${folder}.json`;

interface Ready {
  /** SHA-256 over names and texts of the entries. */
  readonly of: string;
  readonly entries: readonly CatalogueEntry[];
}

const digestOf = async (folder: string): Promise<string> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const hash = createHash("sha256");
  for (const [at, text] of texts.entries()) hash.update(`${names[at]} ${text.length}\n`).update(text);
  return hash.digest("hex");
};

/** The content of the file beside `folder`. Rejects as `loadCatalogue` does. */
export const readyCatalogueOf = async (folder: string): Promise<{ readonly file: string; readonly text: string }> => {
  const { entries } = await loadCatalogue(folder);
  const ready: Ready = { of: await digestOf(folder), entries };
  return { file: readyFile(folder), text: `${JSON.stringify(ready)}\n` };
};

/** The entries of `folder`: from the file beside it where that is of these texts, else from the texts. As `loadCatalogue`. */
export const loadReadyCatalogue = async (folder: string): Promise<Catalogue> => {
  const text = await readFile(readyFile(folder), "utf8").catch(() => null);
  const ready = text === null ? null : (JSON.parse(text) as Ready);
  const fits = ready !== null && ready.of === (await digestOf(folder).catch(() => null));
  return fits ? catalogueOf(ready.entries) : loadCatalogue(folder);
};
