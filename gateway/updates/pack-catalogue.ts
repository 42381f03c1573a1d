import { mkdir, readFile, writeFile } from "node:fs/promises";
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

/** Leave in `out` what `hemhub release add --built` takes; gives the path of its target. Rejects as `packCatalogueFolder`. */
export const buildCatalogue = async (folder: string, counter: number, out: string): Promise<string> => {
  const bundle = await packCatalogueFolder(folder);
  const target = `catalogue/${counter}.json`;
  const targets = [{ path: target, file: "catalogue.json", custom: { artefact: "catalogue", counter } }];
  await mkdir(out, { recursive: true });
  await writeFile(path.join(out, "catalogue.json"), bundle);
  await writeFile(path.join(out, "built.json"), `${JSON.stringify({ targets }, null, 1)}\n`);
  return target;
};
