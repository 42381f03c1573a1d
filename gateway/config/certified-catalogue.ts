import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Catalogue, loadCatalogue } from "../../drivers/catalogue/catalogue.ts";

/** A release is one file with the catalogue in a folder beside it; in a checkout the catalogue stands with the drivers. */
const BESIDE_THE_RELEASE = join(import.meta.dirname, "catalogue");

/** The device models that this version may read. Rejects with HubError `invalid-config`. */
export const loadCertifiedCatalogue = async (): Promise<Catalogue> => {
  const released = await access(BESIDE_THE_RELEASE).then(
    () => true,
    () => false,
  );
  return released ? loadCatalogue(BESIDE_THE_RELEASE) : loadCatalogue();
};
