/** Bytes of which some may be anything: null. Written in hex with `..` for those. */
export type BytePattern = readonly (number | null)[];

/** Pairs of hex digits or dots; white space, `:` and `-` between them do not count. The capture's schema has checked it. */
export const patternFrom = (text: string): BytePattern =>
  [...text.replaceAll(/[\s:-]/g, "").matchAll(/../g)].map(([pair]) =>
    pair === ".." ? null : Number.parseInt(pair, 16),
  );

export const matches = (pattern: BytePattern, bytes: Uint8Array): boolean =>
  pattern.length === bytes.length && pattern.every((octet, at) => octet === null || octet === bytes[at]);

export const patternText = (pattern: BytePattern): string =>
  pattern.map((octet) => (octet === null ? ".." : octet.toString(16).padStart(2, "0"))).join(" ");

export const bytesText = (bytes: Uint8Array): string => patternText([...bytes]);
