import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { type EpochMs, epochMs, isoUtc } from "../../protocol/time.ts";
import { fileTrouble } from "./file-trouble.ts";
import type { RegionConfig } from "./hub-config.ts";

/** What proves the hub to the region and the region to the hub, in PEM. */
export interface Credentials {
  readonly ca: readonly string[];
  readonly certificate: string;
  readonly key: string;
  readonly notAfter: EpochMs;
}

export type CredentialFiles = Pick<RegionConfig, "ca" | "certificate" | "key">;

const unreadable = (what: string, file: string, found: string, next: string, cause?: unknown): HubError =>
  new HubError("certificate-unreadable", `${what} ${file}: ${found}; ${next}`, { cause, context: { file } });

const READ_AGAIN = "the hub measures and stores meanwhile and reads the file again";

const read = async (what: string, file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw unreadable(what, file, fileTrouble(thrown), `put it there, readable for the hub; ${READ_AGAIN}`, thrown);
  }
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** First certificate of a PEM text; every one in it must parse. */
const parseCertificate = (what: string, file: string, pem: string): X509Certificate => {
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  const next = `give a PEM certificate; ${READ_AGAIN}`;
  if (blocks.length === 0) throw unreadable(what, file, "no PEM certificate in it", next);
  try {
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return first;
  } catch (thrown) {
    throw unreadable(what, file, `not a certificate (${messageOf(thrown)})`, next, thrown);
  }
  throw unreadable(what, file, "no PEM certificate in it", next);
};

const parseKey = (file: string, pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    const next = `give the hub's private key in PEM, without a passphrase; ${READ_AGAIN}`;
    throw unreadable("private key", file, `not a readable key (${messageOf(thrown)})`, next, thrown);
  }
};

/**
 * Read and check the hub's certificate, its key and the region's CA. `now` is null while the clock is not trusted: then
 * validity in time is left to the handshake. Throws HubError `certificate-unreadable` for the first thing wrong.
 */
export const readCredentials = async (files: CredentialFiles, now: EpochMs | null): Promise<Credentials> => {
  const certificatePem = await read("hub certificate", files.certificate);
  const certificate = parseCertificate("hub certificate", files.certificate, certificatePem);
  const keyPem = await read("private key", files.key);
  if (!certificate.checkPrivateKey(parseKey(files.key, keyPem))) {
    const found = `does not belong to the certificate ${files.certificate}`;
    throw unreadable("private key", files.key, found, `give the pair that was made together; ${READ_AGAIN}`);
  }
  const ca = await Promise.all(files.ca.map((file) => read("CA certificate", file)));
  for (const [i, pem] of ca.entries()) parseCertificate("CA certificate", files.ca[i] ?? "", pem);

  const notAfter = epochMs(certificate.validToDate.getTime());
  const notBefore = epochMs(certificate.validFromDate.getTime());
  if (now !== null && now > notAfter) {
    const next = `renew the hub's certificate; ${READ_AGAIN}`;
    throw unreadable("hub certificate", files.certificate, `expired at ${isoUtc(notAfter)}`, next);
  }
  if (now !== null && now < notBefore) {
    const found = `is valid only from ${isoUtc(notBefore)}, and the hub's clock says ${isoUtc(now)}`;
    throw unreadable("hub certificate", files.certificate, found, `check the clock; ${READ_AGAIN}`);
  }
  return { ca, certificate: certificatePem, key: keyPem, notAfter };
};

/** The certificate's state for people and for `state`: its end where it could be read, and what is wrong with it. */
export interface CertificateView {
  readonly notAfter: EpochMs | null;
  readonly trouble: string | null;
}

/** The hub's credentials, read anew each time they are asked for: a renewed certificate needs no restart. */
export interface CredentialSource {
  /** For a connection. Rejects with HubError `certificate-unreadable`. */
  read(): Promise<Credentials>;
  /** For people. Never rejects for what the files are. */
  view(): Promise<CertificateView>;
  /** End of the certificate as it was last seen, also of one that cannot be used; null: not known. */
  notAfter(): EpochMs | null;
}

/** `now` is null while the clock is not trusted. */
export const createCredentialSource = (files: CredentialFiles, now: () => EpochMs | null): CredentialSource => {
  let ends: EpochMs | null = null;

  const endOf = async (): Promise<EpochMs | null> => {
    try {
      const pem = await read("hub certificate", files.certificate);
      return epochMs(parseCertificate("hub certificate", files.certificate, pem).validToDate.getTime());
    } catch (thrown) {
      if (isHubError(thrown, "certificate-unreadable")) return null;
      throw thrown;
    }
  };

  const readAll = async (): Promise<Credentials> => {
    ends = await endOf();
    return readCredentials(files, now());
  };

  return {
    read: readAll,
    view: async () => {
      try {
        return { notAfter: (await readAll()).notAfter, trouble: null };
      } catch (thrown) {
        if (!isHubError(thrown, "certificate-unreadable")) throw thrown;
        return { notAfter: ends, trouble: thrown.message };
      }
    },
    notAfter: () => ends,
  };
};
