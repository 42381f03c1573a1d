import { VISOMAT_LONGEST } from "../decode/visomat.ts";
import type { Framer } from "../driver.ts";
import { type Cut, createCuttingFramer, frameOf, noise, noiseUpTo, overlong, WAIT } from "./cutting-framer.ts";

const STX = 0x02;
const ETX = 0x03;

/**
 * Frames from STX to ETX, without checksum, as the Visomat cuffs send them. A second STX starts anew. Holds fewer than
 * `limit` octets.
 */
export const createStxEtxFramer = (limit: number = VISOMAT_LONGEST): Framer => {
  const cut = (pending: Uint8Array): Cut => {
    if (pending[0] !== STX) return noiseUpTo(pending, STX);
    const longest = Math.min(pending.length, limit);
    for (let at = 1; at < longest; at++) {
      if (pending[at] === ETX) return frameOf(at + 1);
      if (pending[at] === STX) return noise(at);
    }
    return pending.length < limit ? WAIT : overlong(longest);
  };
  return createCuttingFramer(cut, limit);
};
