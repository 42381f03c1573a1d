import { access } from "node:fs/promises";
import { join } from "node:path";
import {
  type Catalogue,
  catalogueOf,
  loadCatalogue,
  SHIPPED_CATALOGUE,
  withdrawalsIn,
} from "../../drivers/catalogue/catalogue.ts";
import { loadReadyCatalogue } from "../../drivers/catalogue/ready-catalogue.ts";
import { isHubError } from "../../protocol/errors.ts";

/** A release is one file with the catalogue in a folder beside it; in a checkout the catalogue stands with the drivers. */
const BESIDE_THE_RELEASE = join(import.meta.dirname, "catalogue");

/** The catalogue that a hub goes by. */
export interface CertifiedCatalogue {
  readonly catalogue: Catalogue;
  /** Why it is not the one that the configuration names, with the next step; null where it is, or none is named. */
  readonly trouble: string | null;
}

/** Folder of the catalogue that came with this version; undefined: the one beside the drivers. */
export const shippedCatalogueFolder = async (): Promise<string | undefined> => {
  const released = await access(BESIDE_THE_RELEASE).then(
    () => true,
    () => false,
  );
  return released ? BESIDE_THE_RELEASE : undefined;
};

/**
 * The catalogue of this version in place of the one in `folder`, and the sentence about why; without the models that the
 * other still says are withdrawn. Rejects with HubError `invalid-config` only where the one of this version is damaged.
 */
export const shippedInPlaceOf = async (folder: string, why: string): Promise<CertifiedCatalogue> => {
  const withdrawn = new Map((await withdrawalsIn(folder)).map((entry) => [entry.id, entry]));
  const { entries } = await loadReadyCatalogue((await shippedCatalogueFolder()) ?? SHIPPED_CATALOGUE);
  const kept = entries.filter(({ id }) => !withdrawn.has(id));
  const trouble = `the catalogue of this version stands in, because ${why}`;
  return { catalogue: catalogueOf([...kept, ...withdrawn.values()]), trouble };
};

/**
 * The device models that this hub may read: those of `folder` (null: of this version). Where that folder is damaged in
 * any part, the catalogue of this version stands in, without the models that the damaged one still says are withdrawn.
 * Rejects with HubError `invalid-config` only where the one of this version is damaged, too.
 */
export const loadCertifiedCatalogue = async (folder: string | null = null): Promise<CertifiedCatalogue> => {
  if (folder === null) {
    const shipped = (await shippedCatalogueFolder()) ?? SHIPPED_CATALOGUE;
    return { catalogue: await loadReadyCatalogue(shipped), trouble: null };
  }
  try {
    return { catalogue: await loadCatalogue(folder), trouble: null };
  } catch (thrown) {
    if (!isHubError(thrown, "invalid-config")) throw thrown;
    const why = `${thrown.message} (hemhub catalogue check ${folder} names every problem)`;
    return await shippedInPlaceOf(folder, why);
  }
};
