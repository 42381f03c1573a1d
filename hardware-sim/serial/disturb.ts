import type { Chance } from "../radio/seeded.ts";

/** Chances of a disturbance, each per message on the line. All default to 0. */
export interface LineFaults {
  /** 1 to 8 random bytes before the message. */
  readonly noise?: number;
  /** One bit of the message flipped. */
  readonly flip?: number;
  /** One byte of the message lost. */
  readonly loss?: number;
  /** The whole message twice, as from a bad connector. It stays readable: one measurement, and a hub has to see that. */
  readonly repeat?: number;
}

/**
 * What may be flipped. A format without a checksum cannot show that a digit turned into another one, and no hub could
 * see it: on such lines only the top bit flips, which is never set in ASCII.
 */
export type Flippable = "any-bit" | "top-bit";

export interface Disturbed {
  readonly bytes: Uint8Array;
  /** Something was done to the message, or directly before it: a hub need not be able to read it. */
  readonly disturbed: boolean;
}

const MAX_NOISE_BYTES = 8;

const flipOne = (bytes: Uint8Array, flippable: Flippable, chance: Chance): Uint8Array => {
  const at = chance.whole(0, bytes.length - 1);
  const bit = flippable === "top-bit" ? 7 : chance.whole(0, 7);
  return bytes.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
};

const loseOne = (bytes: Uint8Array, chance: Chance): Uint8Array => {
  const at = chance.whole(0, bytes.length - 1);
  return bytes.filter((_, index) => index !== at);
};

/** What arrives of `message` on a bad line. Draws from `chance` alone, so a seed repeats it. */
export const disturb = (message: Uint8Array, faults: LineFaults, flippable: Flippable, chance: Chance): Disturbed => {
  const noise = chance.happens(faults.noise ?? 0) ? chance.bytes(chance.whole(1, MAX_NOISE_BYTES)) : new Uint8Array();
  const flip = message.length > 0 && chance.happens(faults.flip ?? 0);
  const loss = message.length > 0 && chance.happens(faults.loss ?? 0);
  const flipped = flip ? flipOne(message, flippable, chance) : message;
  const rest = loss ? loseOne(flipped, chance) : flipped;
  const repeated = chance.happens(faults.repeat ?? 0) ? message : [];
  return { bytes: Uint8Array.from([...noise, ...rest, ...repeated]), disturbed: noise.length > 0 || flip || loss };
};
