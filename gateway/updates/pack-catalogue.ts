import { readFile } from "node:fs/promises";
import path from "node:path";
import { loadCatalogue, readCatalogueFolder } from "../../drivers/catalogue/catalogue.ts";
import { packCatalogueBundle, parseCatalogueBundle } from "../../protocol/catalogue-bundle.ts";

/**
 * A folder of entries as the one file that the region signs. Rejects with HubError `invalid-config` where a hub would not
 * take it: an entry that is not as it should be, a name that cannot be.
 */
export const packCatalogueFolder = async (folder: string): Promise<string> => {
  await loadCatalogue(folder);
  const { names } = await readCatalogueFolder(folder);
  const entries = names.filter((name) => name.endsWith(".yaml"));
  const texts = await Promise.all(entries.map((name) => readFile(path.join(folder, name), "utf8")));
  const bundle = packCatalogueBundle(new Map(entries.map((name, at) => [name, texts[at] ?? ""])));
  parseCatalogueBundle(Buffer.from(bundle));
  return bundle;
};
