import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type X509Certificate } from "node:crypto";
import { extensionNamed, SUBJECT_ALTERNATIVE_NAME, subjectOf } from "./certificate-fields.ts";
import { der, derObjectId, TAG } from "./der.ts";

/** 1.2.840.113549.1.9.14, extensionRequest (RFC 2985 5.4.2). */
const EXTENSION_REQUEST = derObjectId(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e);
/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758 3.2). */
const ECDSA_WITH_SHA256 = derObjectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);

/** A new P-256 key as PEM (PKCS #8). It is made here and never leaves this machine. */
export const newPrivateKey = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/**
 * A certification request (PKCS #10, RFC 2986 4) as DER, signed with `key`, for the same subject and the same alternative
 * names as the certificate that it is to replace: RFC 7030 4.2.2 demands both.
 */
export const certificateRequest = (key: string, present: X509Certificate): Uint8Array => {
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const names = extensionNamed(present, SUBJECT_ALTERNATIVE_NAME);
  const attributes =
    names === null ? [] : [der(TAG.sequence, EXTENSION_REQUEST, der(TAG.set, der(TAG.sequence, names.whole)))];
  const version = der(TAG.integer, Uint8Array.of(0));
  const information = der(TAG.sequence, version, subjectOf(present), publicKey, der(TAG.context0, ...attributes));
  // A bit string begins with the number of bits that its last octet leaves unused.
  const signature = der(TAG.bitString, Uint8Array.of(0), sign("sha256", information, privateKey));
  return der(TAG.sequence, information, der(TAG.sequence, ECDSA_WITH_SHA256), signature);
};
