import { createHash } from "node:crypto";
import path from "node:path";
import { type Catalogue, loadCatalogue } from "../../drivers/catalogue/catalogue.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { packCatalogueBundle } from "../../protocol/catalogue-bundle.ts";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { type CertifiedCatalogue, loadCertifiedCatalogue, shippedInPlaceOf } from "../config/certified-catalogue.ts";
import type { HubConfig } from "../config/hub-config.ts";

const SCHEMA = "installed-catalogue/1";
const POINTER = "in-force.json";

/** A catalogue that was verified and lies here. */
export interface InstalledCatalogue {
  readonly target: string;
  readonly counter: number;
  /** SHA-256 of its texts, and the name of its folder. */
  readonly digest: string;
}

/**
 * Where catalogues that came as signed targets lie: `DIGEST/<id>.yaml`, and `in-force.json`, which names the one that
 * counts. A cut of the power leaves the one before or the new one, whole.
 */
export interface CataloguePlace {
  /** Null where none was installed, and where what was is damaged: then it is fetched anew. */
  installed(): Promise<InstalledCatalogue | null>;
  /** Its entries, as they were verified. Rejects with `invalid-config`. */
  load(one: InstalledCatalogue): Promise<Catalogue>;
  /**
   * Durable and in force for the next start when it resolves. Rejects with `invalid-config` where the texts are not a
   * catalogue: then nothing has changed.
   */
  install(
    texts: ReadonlyMap<string, string>,
    as: Pick<InstalledCatalogue, "target" | "counter">,
  ): Promise<InstalledCatalogue>;
  /** Give back the room of all others. */
  prune(kept: InstalledCatalogue): Promise<void>;
  /** Folder for a download. */
  readonly downloads: string;
}

const digestOf = (texts: ReadonlyMap<string, string>): string =>
  createHash("sha256").update(packCatalogueBundle(texts)).digest("hex");

const parsePointer = (bytes: Uint8Array): InstalledCatalogue | null => {
  try {
    const { schema, target, counter, digest } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const isSound = typeof target === "string" && Number.isSafeInteger(counter) && /^[0-9a-f]{64}$/.test(digest);
    return schema === SCHEMA && isSound ? { target, counter, digest } : null;
  } catch {
    return null;
  }
};

/** Of the hub's data folder. */
export const catalogueFolder = (dataDir: string): string => path.join(dataDir, "catalogue");

const readTexts = async (files: UpdateFiles, folder: string): Promise<ReadonlyMap<string, string>> => {
  const names = (await files.list(folder)).filter((name) => name.endsWith(".yaml"));
  const contents = await Promise.all(names.map((name) => files.read(path.join(folder, name))));
  return new Map(names.map((name, at) => [name, Buffer.from(contents[at] ?? []).toString("utf8")]));
};

export const openCataloguePlace = (files: UpdateFiles, directory: string): CataloguePlace => {
  const folderOf = (digest: string): string => path.join(directory, digest);
  const downloads = path.join(directory, "downloads");

  const isWhole = async ({ digest }: InstalledCatalogue): Promise<boolean> =>
    digestOf(await readTexts(files, folderOf(digest))) === digest;

  return {
    downloads,
    installed: async () => {
      const bytes = await files.read(path.join(directory, POINTER));
      const one = bytes === null ? null : parsePointer(bytes);
      return one !== null && (await isWhole(one)) ? one : null;
    },
    load: async (one) => {
      if (await isWhole(one)) return loadCatalogue(folderOf(one.digest));
      throw new HubError("invalid-config", `catalogue ${one.target}: its files here are damaged; it is fetched again`);
    },
    install: async (texts, { target, counter }) => {
      const one = { target, counter, digest: digestOf(texts) };
      const folder = folderOf(one.digest);
      await files.makeDirectory(folder);
      for (const [name, text] of texts) await files.replace(path.join(folder, name), Buffer.from(text));
      try {
        await loadCatalogue(folder);
      } catch (thrown) {
        await files.remove(folder);
        throw thrown;
      }
      await files.replace(
        path.join(directory, POINTER),
        Buffer.from(`${JSON.stringify({ schema: SCHEMA, ...one })}\n`),
      );
      return one;
    },
    prune: async ({ digest }) => {
      const others = (await files.list(directory)).filter((name) => /^[0-9a-f]{64}$/.test(name) && name !== digest);
      for (const name of [...others, "downloads"]) await files.remove(path.join(directory, name));
    },
  };
};

/** The catalogue that a hub goes by, and which of the region's signed ones it is; null: none of them. */
export interface CatalogueInForce extends CertifiedCatalogue {
  readonly installed: InstalledCatalogue | null;
}

const loadInstalled = async (files: UpdateFiles, directory: string): Promise<CatalogueInForce> => {
  const bytes = await files.read(path.join(directory, POINTER));
  if (bytes === null) return { ...(await loadCertifiedCatalogue()), installed: null };
  const place = openCataloguePlace(files, directory);
  const installed = await place.installed();
  const pointed = parsePointer(bytes);
  if (installed === null) {
    const folder = path.join(directory, pointed?.digest ?? "none");
    const why = "the signed one that was installed here is damaged; it is fetched again when the region names it";
    return { ...(await shippedInPlaceOf(folder, why)), installed: null };
  }
  try {
    return { catalogue: await place.load(installed), trouble: null, installed };
  } catch (thrown) {
    // Written by a region that knows more than this release, to which the hub was taken back.
    if (!isHubError(thrown)) throw thrown;
    return { ...(await shippedInPlaceOf(path.join(directory, installed.digest), thrown.message)), installed };
  }
};

/**
 * The folder that the configuration names counts alone; else the signed catalogue that was installed last; else the one of
 * this version. Where the first or second is damaged, as `loadCertifiedCatalogue`.
 */
export const loadCatalogueInForce = async (
  files: UpdateFiles,
  named: string | null,
  directory: string,
): Promise<CatalogueInForce> => {
  if (named !== null) return { ...(await loadCertifiedCatalogue(named)), installed: null };
  try {
    return await loadInstalled(files, directory);
  } catch (thrown) {
    if (isHubError(thrown)) throw thrown;
    // A disk that does not give it back, or a person who may not read the hub's data, is no reason to read no sensor.
    const why = `the signed one that was installed here cannot be read (${messageOf(thrown)})`;
    return { ...(await shippedInPlaceOf(directory, why)), installed: null };
  }
};

/** Of a hub, by its configuration. */
export const loadCatalogueOf = ({ catalogue, hub }: HubConfig): Promise<CatalogueInForce> =>
  loadCatalogueInForce(createDiskFiles(), catalogue.folder, catalogueFolder(hub.dataDir));
