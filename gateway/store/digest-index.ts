import type { Seq } from "../../protocol/ids.ts";

/** 128 bits: among 200 000 remembered readings the chance that any two differ and look alike is below 1e-28. */
export const DIGEST_BYTES = 16;

/**
 * Which number a reading was stored under, for the last `capacity` numbers given. Fixed memory, and pages of it are
 * only touched as it fills: 200 000 entries take 16 + 8 + 4 bytes each and 2 x 4 bytes of hash table, 7 MB.
 */
export interface DigestIndex {
  readonly capacity: number;
  find(digest: Uint8Array): Seq | null;
  /** The digest stored under a number; null where it is forgotten. */
  at(seq: number): Uint8Array | null;
  /** The lot of the number; null where it is forgotten, or was skipped. */
  lotAt(seq: number): number | null;
  /** Every lot that a remembered number is of. */
  lots(): ReadonlySet<number>;
  /** Forgets the number `capacity` below. */
  add(seq: number, digest: Uint8Array, lot: number): void;
}

/** Open addressing stays short at half full or less. */
const SLOTS_PER_ENTRY = 2;

const EMPTY = 0;

export const createDigestIndex = (capacity: number): DigestIndex => {
  const tableSize = 2 ** Math.ceil(Math.log2(capacity * SLOTS_PER_ENTRY));
  const mask = tableSize - 1;
  /** Entry + 1, or EMPTY. */
  const table = new Int32Array(tableSize);
  const digests = Buffer.from(new ArrayBuffer(capacity * DIGEST_BYTES));
  /** The number in each entry; 0 where there is none yet. */
  const numbers = new Float64Array(capacity);
  const lots = new Uint32Array(capacity);

  const bytesAt = (entry: number): Buffer => digests.subarray(entry * DIGEST_BYTES, (entry + 1) * DIGEST_BYTES);
  /** The digest is a cryptographic hash: any four bytes of it are spread evenly. */
  const homeOf = (entry: number): number => digests.readUInt32LE(entry * DIGEST_BYTES) & mask;
  const entryAt = (slot: number): number => (table[slot] ?? EMPTY) - 1;

  const locate = (digest: Uint8Array): number => {
    const wanted = Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength);
    let slot = wanted.readUInt32LE(0) & mask;
    while (table[slot] !== EMPTY && !bytesAt(entryAt(slot)).equals(wanted)) slot = (slot + 1) & mask;
    return slot;
  };

  /** Deletion by shifting back, so that no tombstones pile up over the years (Knuth, TAOCP 6.4, algorithm R). */
  const vacate = (start: number): void => {
    let hole = start;
    table[hole] = EMPTY;
    for (let slot = (hole + 1) & mask; table[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const home = homeOf(entryAt(slot));
      const staysReachable = hole <= slot ? hole < home && home <= slot : hole < home || home <= slot;
      if (staysReachable) continue;
      table[hole] = table[slot] ?? EMPTY;
      table[slot] = EMPTY;
      hole = slot;
    }
  };

  return {
    capacity,
    find: (digest) => {
      const slot = locate(digest);
      return table[slot] === EMPTY ? null : ((numbers[entryAt(slot)] ?? null) as Seq | null);
    },
    at: (seq) => (numbers[seq % capacity] === seq ? Uint8Array.from(bytesAt(seq % capacity)) : null),
    lotAt: (seq) => (numbers[seq % capacity] === seq ? (lots[seq % capacity] ?? 0) : null),
    lots: () => new Set(lots),
    add: (seq, digest, lot) => {
      const entry = seq % capacity;
      if (numbers[entry] !== 0) {
        const slot = locate(bytesAt(entry));
        if (entryAt(slot) === entry) vacate(slot);
      }
      digests.set(digest, entry * DIGEST_BYTES);
      numbers[entry] = seq;
      lots[entry] = lot;
      table[locate(digest)] = entry + 1;
    },
  };
};
