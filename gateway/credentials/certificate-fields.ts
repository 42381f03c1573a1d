import type { X509Certificate } from "node:crypto";
import { type DerElement, derChild, derElements, derObjectId, openDer, sameBytes, TAG } from "./der.ts";

/** One extension of a certificate (RFC 5280 4.2). */
export interface CertificateExtension {
  readonly id: Uint8Array;
  readonly critical: boolean;
  /** All of it, as another certificate or a request would carry it. */
  readonly whole: Uint8Array;
}

/** 2.5.29.17 */
export const SUBJECT_ALTERNATIVE_NAME = derObjectId(0x55, 0x1d, 0x11);

/** RFC 5280 4.1: version is optional and comes first; serial number, signature, issuer, validity, subject follow. */
const fieldsOf = ({ raw }: X509Certificate): { fields: readonly DerElement[]; first: number } => {
  const whole = openDer(raw, TAG.sequence);
  const fields = derElements(derChild(whole, 0, TAG.sequence).content);
  return { fields, first: fields[0]?.tag === TAG.context0 ? 1 : 0 };
};

/** The subject, as DER: what a request for the same name carries. */
export const subjectOf = (certificate: X509Certificate): Uint8Array => {
  const { fields, first } = fieldsOf(certificate);
  return derChild(fields, first + 4, TAG.sequence).whole;
};

const extensionOf = (element: DerElement): CertificateExtension => {
  const parts = derElements(element.content);
  const second = parts[1];
  return {
    id: derChild(parts, 0, TAG.objectId).whole,
    critical: second?.tag === TAG.boolean && second.content[0] !== 0,
    whole: element.whole,
  };
};

export const extensionsOf = (certificate: X509Certificate): readonly CertificateExtension[] => {
  const holder = fieldsOf(certificate).fields.find(({ tag }) => tag === TAG.context3);
  return holder === undefined ? [] : openDer(holder.content, TAG.sequence).map(extensionOf);
};

export const extensionNamed = (certificate: X509Certificate, id: Uint8Array): CertificateExtension | null =>
  extensionsOf(certificate).find((one) => sameBytes(one.id, id)) ?? null;
