import { hash } from "node:crypto";

/** A namespace of name-based UUIDs: its 16 octets as a latin1 text, so that names can be appended without a copy. */
export type UuidNamespace = string & { readonly length: 16 };

/** The octets of a UUID text. */
export const uuidNamespace = (uuid: string): UuidNamespace =>
  Buffer.from(uuid.replaceAll("-", ""), "hex").toString("latin1") as UuidNamespace;

/** RFC 9562 appendix A: the namespaces of domain names and of URLs. */
export const DNS_NAMESPACE = uuidNamespace("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
export const URL_NAMESPACE = uuidNamespace("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

/** UUID version 5 (RFC 9562 section 5.5): SHA-1 over namespace and name, with version and variant set. ASCII names. */
export const uuidV5 = (namespace: UuidNamespace, name: string): string => {
  const digest = hash("sha1", Buffer.from(namespace + name, "latin1"), "hex");
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `5${digest.slice(13, 16)}`,
    variant + digest.slice(17, 20),
    digest.slice(20, 32),
  ].join("-");
};
