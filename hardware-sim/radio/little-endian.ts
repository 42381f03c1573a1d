/** Bluetooth sends multi-octet fields least significant octet first (Core Vol 1 Part E 2.9). */
export const le16 = (value: number): readonly number[] => [value & 0xff, (value >> 8) & 0xff];
export const le24 = (value: number): readonly number[] => [...le16(value), (value >> 16) & 0xff];
export const le32 = (value: number): readonly number[] => [...le24(value), (value >>> 24) & 0xff];

/** Bytes from numbers (one octet each) and byte strings, in order. */
export const octets = (...parts: readonly (number | Iterable<number>)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part & 0xff] : [...part])));

/** The same octets in the opposite order: between the text order of keys and addresses and their order on the air. */
export const reversed = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).reverse();

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Reads fields in order. Throws RangeError where the bytes end too early. */
export interface FieldReader {
  readonly left: number;
  u8(): number;
  u16(): number;
  take(count: number): Uint8Array;
  rest(): Uint8Array;
}

export const createFieldReader = (bytes: Uint8Array): FieldReader => {
  let at = 0;
  const take = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new RangeError(`field of ${count} octets at ${at} of ${bytes.length}`);
    at += count;
    return bytes.slice(at - count, at);
  };
  const number = (count: number): number => take(count).reduceRight((value, octet) => value * 256 + octet, 0);
  return {
    get left() {
      return bytes.length - at;
    },
    u8: () => number(1),
    u16: () => number(2),
    take,
    rest: () => take(bytes.length - at),
  };
};
