import { hash } from "node:crypto";

/** A namespace of name-based UUIDs: its 16 octets as a latin1 text, so that names can be appended without a copy. */
export type UuidNamespace = string & { readonly length: 16 };

/** The octets of a UUID text. */
export const uuidNamespace = (uuid: string): UuidNamespace =>
  Buffer.from(uuid.replaceAll("-", ""), "hex").toString("latin1") as UuidNamespace;

/** RFC 9562 appendix A: the namespaces of domain names and of URLs. */
export const DNS_NAMESPACE = uuidNamespace("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
export const URL_NAMESPACE = uuidNamespace("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

const NAMESPACE_OCTETS = 16;
/** Filled and hashed within one call, so nothing is shared. Names of reading ids have 71 characters. */
const SCRATCH = Buffer.alloc(256);

/** The two bits of the variant before the two that stay of the digit. */
const VARIANT = "89ab89ab89ab89ab";
const HEX_DIGITS = "0123456789abcdef";

/** The octets to hash; valid until the next call. */
const octetsOf = (namespace: UuidNamespace, name: string): Buffer => {
  const length = NAMESPACE_OCTETS + name.length;
  const octets = length <= SCRATCH.length ? SCRATCH : Buffer.alloc(length);
  octets.write(namespace, 0, NAMESPACE_OCTETS, "latin1");
  octets.write(name, NAMESPACE_OCTETS, name.length, "latin1");
  return octets.subarray(0, length);
};

/** UUID version 5 (RFC 9562 section 5.5): SHA-1 over namespace and name, with version and variant set. ASCII names. */
export const uuidV5 = (namespace: UuidNamespace, name: string): string => {
  const digest = hash("sha1", octetsOf(namespace, name), "hex");
  const variant = VARIANT.charAt(HEX_DIGITS.indexOf(digest.charAt(16)));
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
};
