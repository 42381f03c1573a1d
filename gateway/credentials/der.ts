import { HubError } from "../../protocol/errors.ts";

/** Tags of ITU-T X.690 that certificates are made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** One element: its tag, what is in it, and all of it as it stands. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

const malformed = (found: string): HubError =>
  new HubError("certificate-unreadable", `certificate data: ${found}; ask for it again`);

/** A length in more than four octets would be more than any certificate has. */
const MOST_LENGTH_OCTETS = 4;

const elementAt = (bytes: Uint8Array, at: number): DerElement => {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw malformed("it ends in the middle of an element");
  if ((tag & 0x1f) === 0x1f) throw malformed("a tag of several octets");
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > MOST_LENGTH_OCTETS) throw malformed("a length that is not DER");
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? Number.NaN);
    start += octets;
  }
  if (!(start + length <= bytes.length)) throw malformed("an element is longer than what holds it");
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
};

/** The elements that follow one another in `bytes`. Throws HubError `certificate-unreadable` where it is not DER. */
export const derElements = (bytes: Uint8Array): readonly DerElement[] => {
  const found: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at);
    found.push(element);
    at += element.whole.length;
  }
  return found;
};

/** The only element of `bytes`, which must have this tag, opened. */
export const openDer = (bytes: Uint8Array, tag: number): readonly DerElement[] => {
  const [element, ...more] = derElements(bytes);
  if (element === undefined || more.length > 0 || element.tag !== tag)
    throw malformed("another structure than expected");
  return derElements(element.content);
};

/** The element at a place in a structure, which must have this tag. */
export const derChild = (elements: readonly DerElement[], index: number, tag: number): DerElement => {
  const element = elements[index];
  if (element?.tag !== tag) throw malformed("another structure than expected");
  return element;
};

/** An element of these parts. */
export const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Uint8Array.from(head), ...parts]);
};

/** An object identifier, from the octets of its arcs. */
export const derObjectId = (...octets: readonly number[]): Uint8Array => der(TAG.objectId, Uint8Array.from(octets));

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
