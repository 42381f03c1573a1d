import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { fileTrouble } from "../config/file-trouble.ts";

/** A certificate, with those that lead to its authority, and its private key: PEM texts. */
export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

export const READ_AGAIN = "the hub measures and stores meanwhile and reads the file again";

export const unreadable = (
  what: string,
  file: string,
  found: string,
  next: string,
  { cause, trouble }: { readonly cause?: unknown; readonly trouble?: string } = {},
): HubError =>
  new HubError("certificate-unreadable", `${what} ${file}: ${found}; ${next}`, {
    cause,
    context: trouble === undefined ? { file } : { file, trouble },
  });

/** The text of a PEM file. Throws HubError `certificate-unreadable`. */
export const readPem = async (what: string, file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    const next = `put it there, readable for the hub; ${READ_AGAIN}`;
    throw unreadable(what, file, fileTrouble(thrown), next, { cause: thrown });
  }
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of a PEM text, at least one; all must parse. Throws HubError `certificate-unreadable`. */
export const parseCertificates = (
  what: string,
  file: string,
  pem: string,
): readonly [X509Certificate, ...X509Certificate[]] => {
  const next = `give a PEM certificate; ${READ_AGAIN}`;
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return [first, ...others];
  } catch (thrown) {
    throw unreadable(what, file, `not a certificate (${messageOf(thrown)})`, next, { cause: thrown });
  }
  throw unreadable(what, file, "no PEM certificate in it", next);
};

export const parseKey = (file: string, pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    const next = `give the hub's private key in PEM, without a passphrase; ${READ_AGAIN}`;
    throw unreadable("private key", file, `not a readable key (${messageOf(thrown)})`, next, { cause: thrown });
  }
};

/** A certificate as PEM, ending with a line feed. */
export const certificatePem = (certificate: X509Certificate): string => `${certificate.toString().trimEnd()}\n`;
