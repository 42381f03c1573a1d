/** A reproducible source of chance: the same seed gives the same sequence. */
export interface Chance {
  /** 0 <= x < 1. */
  fraction(): number;
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  /** True with the given probability. */
  happens(probability: number): boolean;
  bytes(count: number): Uint8Array;
  /** An independent sequence named by `name`: what one participant draws does not shift what another one draws. */
  fork(name: string): Chance;
}

/** FNV-1a, 32 bit: spreads a name over the seed space. */
const hashOf = (text: string): number =>
  [...text].reduce((hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193), 0x811c9dc5) >>> 0;

/** mulberry32: 32 bits of state are plenty for a scenario, and it is the same on every machine. */
export const createChance = (seed: number): Chance => {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (low: number, high: number): number => low + Math.floor(fraction() * (high - low + 1));
  return {
    fraction,
    whole,
    happens: (probability) => probability > 0 && fraction() < probability,
    bytes: (count) => Uint8Array.from({ length: count }, () => whole(0, 255)),
    fork: (name) => createChance((seed ^ hashOf(name)) >>> 0),
  };
};
