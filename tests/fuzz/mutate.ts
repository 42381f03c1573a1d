import type { Chance } from "../../hardware-sim/radio/seeded.ts";

/** Longest random input: some frames of every format, and more than any framer of short frames holds. */
const MOST_RANDOM = 300;
/** Longest input that repeating and concatenating may grow to. */
const MOST_BYTES = 4096;

const oneOf = <T>(list: readonly T[], chance: Chance): T | undefined => list[chance.whole(0, list.length - 1)];

export const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

type Mutation = (bytes: Uint8Array, other: Uint8Array, chance: Chance) => Uint8Array;

/** Octets that mean something to some format: ends of range, sign bits, STX, ETX, ACK, DLE, CR, LF, digits, marks. */
const TELLING = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0d, 0x15, 0x20, 0x2c, 0x30, 0x39, 0x51, 0x7f, 0x80,
  0xa5, 0xf0, 0xfe, 0xff,
];

const changed = (bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice();
  if (copy.length > 0) change(copy);
  return copy;
};

const MUTATIONS: readonly Mutation[] = [
  (bytes) => bytes,
  // A bit.
  (bytes, _, chance) =>
    changed(bytes, (copy) => {
      const at = chance.whole(0, copy.length - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << chance.whole(0, 7));
    }),
  // Some octets, any or telling ones.
  (bytes, _, chance) =>
    changed(bytes, (copy) => {
      for (let left = chance.whole(1, 4); left > 0; left--) {
        copy[chance.whole(0, copy.length - 1)] = chance.happens(0.5)
          ? chance.whole(0, 255)
          : (oneOf(TELLING, chance) ?? 0);
      }
    }),
  // Cut off at the end, or at the beginning.
  (bytes, _, chance) => bytes.slice(0, chance.whole(0, bytes.length)),
  (bytes, _, chance) => bytes.slice(chance.whole(0, bytes.length)),
  // A piece taken out, put in, or written twice.
  (bytes, _, chance) => {
    const from = chance.whole(0, bytes.length);
    return joined([bytes.slice(0, from), bytes.slice(chance.whole(from, bytes.length))]);
  },
  (bytes, _, chance) => {
    const at = chance.whole(0, bytes.length);
    return joined([bytes.slice(0, at), chance.bytes(chance.whole(1, 8)), bytes.slice(at)]);
  },
  (bytes, _, chance) => {
    const from = chance.whole(0, bytes.length);
    const piece = bytes.slice(from, chance.whole(from, bytes.length));
    return joined([bytes.slice(0, from), piece, piece, bytes.slice(from)]);
  },
  // Spliced with, followed by, and repeated.
  (bytes, other, chance) =>
    joined([bytes.slice(0, chance.whole(0, bytes.length)), other.slice(chance.whole(0, other.length))]),
  (bytes, other) => joined([bytes, other]),
  (bytes, _, chance) => joined(Array.from({ length: chance.whole(2, 12) }, () => bytes)),
  (bytes, other, chance) =>
    joined(Array.from({ length: chance.whole(2, 6) }, (_, at) => (at % 2 === 0 ? bytes : other))),
  // Two octets as one number at its ends.
  (bytes, _, chance) =>
    changed(bytes, (copy) => {
      const at = chance.whole(0, copy.length - 1);
      copy.set([oneOf(TELLING, chance) ?? 0, oneOf(TELLING, chance) ?? 0].slice(0, copy.length - at), at);
    }),
];

/** Hostile bytes: random ones, or a sample with one to three mutations. `pool` is what other formats send. */
export const hostile = (samples: readonly Uint8Array[], pool: readonly Uint8Array[], chance: Chance): Uint8Array => {
  if (samples.length === 0 || chance.happens(0.1)) return chance.bytes(chance.whole(0, MOST_RANDOM));
  const source = chance.happens(0.05) ? pool : samples;
  let bytes = oneOf(source, chance) ?? new Uint8Array(0);
  for (let left = chance.whole(1, 3); left > 0; left--) {
    const other = oneOf(chance.happens(0.8) ? samples : pool, chance) ?? new Uint8Array(0);
    bytes = (oneOf(MUTATIONS, chance) ?? MUTATIONS[0])?.(bytes, other, chance) ?? bytes;
  }
  return bytes.length > MOST_BYTES ? bytes.slice(0, MOST_BYTES) : bytes;
};

/** The bytes in pieces of random length, also empty ones. */
export const cutAtRandom = (bytes: Uint8Array, chance: Chance): readonly Uint8Array[] => {
  const style = chance.whole(0, 3);
  if (style === 0) return [bytes];
  if (style === 1) return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const longest = style === 2 ? 7 : 64;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = chance.whole(0, longest);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
};
