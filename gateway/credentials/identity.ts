import type { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { isHubError } from "../../protocol/errors.ts";
import type { RegionConfig } from "../config/hub-config.ts";
import { type PemPair, parseCertificates, parseKey, READ_AGAIN, readPem, unreadable } from "./pem.ts";

/** A certificate and its key that belong together, and where they were read from. */
export interface Identity extends PemPair {
  readonly file: string;
  readonly parsed: X509Certificate;
}

export type IdentityFiles = Pick<RegionConfig, "certificate" | "key">;

const checked = (pair: PemPair, files: IdentityFiles): Identity => {
  const [parsed] = parseCertificates("hub certificate", files.certificate, pair.certificate);
  if (!parsed.checkPrivateKey(parseKey(files.key, pair.key))) {
    const found = `does not belong to the certificate ${files.certificate}`;
    throw unreadable("private key", files.key, found, `give the pair that was made together; ${READ_AGAIN}`);
  }
  return { ...pair, file: files.certificate, parsed };
};

/** Read a pair and check that it is one. Its time is not looked at. Throws HubError `certificate-unreadable`. */
export const readIdentity = async (files: IdentityFiles): Promise<Identity> => {
  const certificate = await readPem("hub certificate", files.certificate);
  parseCertificates("hub certificate", files.certificate, certificate);
  return checked({ certificate, key: await readPem("private key", files.key) }, files);
};

/** One file holds both, so that no cut of the power can leave a key beside the certificate of another one. */
export const identityText = ({ certificate, key }: PemPair): string => `${key.trimEnd()}\n${certificate.trimEnd()}\n`;

/** Read a file that `identityText` made; null where there is none, or one that is damaged. */
export const readKeptIdentity = async (file: string): Promise<Identity | null> => {
  try {
    const text = await readPem("hub certificate", file);
    return checked({ certificate: text, key: text }, { certificate: file, key: file });
  } catch (thrown) {
    if (isHubError(thrown, "certificate-unreadable")) return null;
    throw thrown;
  }
};

/** Files of certificates and keys that the hub got for itself, below its data folder. */
export const identityFolder = (dataDir: string): string => join(dataDir, "identity");
