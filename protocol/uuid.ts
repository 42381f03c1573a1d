import { hash } from "node:crypto";
import { createOctetText } from "./octet-text.ts";

/** A namespace of name-based UUIDs: its 16 octets as a latin1 text, so that names can be appended without a copy. */
export type UuidNamespace = string & { readonly length: 16 };

/** The octets of a UUID text. */
export const uuidNamespace = (uuid: string): UuidNamespace =>
  Buffer.from(uuid.replaceAll("-", ""), "hex").toString("latin1") as UuidNamespace;

/** RFC 9562 appendix A: the namespaces of domain names and of URLs. */
export const DNS_NAMESPACE = uuidNamespace("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
export const URL_NAMESPACE = uuidNamespace("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

/** Filled and hashed within one call, so nothing is shared. */
const SCRATCH = createOctetText();

/** The two bits of the variant before the two that stay of the digit. */
const VARIANT = "89ab89ab89ab89ab";
const HEX_DIGITS = "0123456789abcdef";

/** UUID version 5 (RFC 9562 section 5.5): SHA-1 over namespace and name, with version and variant set. ASCII names. */
export const uuidV5 = (namespace: UuidNamespace, name: string): string => {
  SCRATCH.clear();
  SCRATCH.octets(namespace);
  SCRATCH.octets(name);
  const digest = hash("sha1", SCRATCH.bytes(), "hex");
  const variant = VARIANT.charAt(HEX_DIGITS.indexOf(digest.charAt(16)));
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
};
