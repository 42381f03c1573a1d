import { X509Certificate } from "node:crypto";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { derChild, derElements, derObjectId, openDer, sameBytes, TAG } from "./der.ts";

/** 1.2.840.113549.1.7.2, signedData (RFC 5652 5.1). */
const SIGNED_DATA = derObjectId(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02);

/** The new certificate, and those that lead from it to an authority. */
const MOST_CERTIFICATES = 8;

const unusable = (found: string, cause?: unknown): HubError =>
  new HubError("certificate-unreadable", `certificate answer: ${found}; the region must correct its enrolment server`, {
    cause,
  });

/**
 * The certificates of a certs-only message (RFC 7030 4.2.3: a CMS SignedData without content and signers), in the order
 * in which they stand. Throws HubError `certificate-unreadable`.
 */
export const certificatesIn = (message: Uint8Array): readonly X509Certificate[] => {
  const information = openDer(message, TAG.sequence);
  if (!sameBytes(derChild(information, 0, TAG.objectId).whole, SIGNED_DATA)) throw unusable("no certs-only message");
  const signedData = openDer(derChild(information, 1, TAG.context0).content, TAG.sequence);
  // version, digestAlgorithms and encapContentInfo come before; crls and signerInfos after, and are not looked at.
  const holder = signedData.find(({ tag }) => tag === TAG.context0);
  const found = holder === undefined ? [] : derElements(holder.content);
  if (found.length === 0 || found.length > MOST_CERTIFICATES) throw unusable(`${found.length} certificates in it`);
  try {
    return found.map(({ whole }) => new X509Certificate(whole));
  } catch (thrown) {
    throw unusable(`not a certificate (${messageOf(thrown)})`, thrown);
  }
};
