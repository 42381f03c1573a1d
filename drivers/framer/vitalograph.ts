import { VITALOGRAPH_ETX, VITALOGRAPH_STX, vitalographCheck } from "../decode/vitalograph.ts";
import type { Framer } from "../driver.ts";
import {
  badChecksum,
  type Cut,
  createCuttingFramer,
  frameOf,
  noise,
  noiseUpTo,
  overlong,
  WAIT,
} from "./cutting-framer.ts";

/** The longest known message has 71 octets (test data of layout G); to the next power of two. */
export const VITALOGRAPH_LIMIT = 128;

const isText = (octet: number): boolean => octet >= 0x20 && octet <= 0x7e;

const cutMessage = (pending: Uint8Array): Cut => {
  const longest = Math.min(pending.length, VITALOGRAPH_LIMIT - 1);
  for (let at = 1; at < longest; at++) {
    const octet = pending[at] ?? 0;
    if (octet === VITALOGRAPH_ETX) {
      const check = pending[at + 1];
      if (check === undefined) return WAIT;
      // A wrong check octet may be the STX of the next message: it is looked at again.
      return vitalographCheck(pending.subarray(0, at + 1)) === check ? frameOf(at + 2) : badChecksum(at + 1);
    }
    if (!isText(octet)) return noise(at);
  }
  return pending.length < VITALOGRAPH_LIMIT ? WAIT : overlong(longest);
};

const cut = (pending: Uint8Array): Cut =>
  pending[0] === VITALOGRAPH_STX ? cutMessage(pending) : noiseUpTo(pending, VITALOGRAPH_STX);

/**
 * Messages of a Vitalograph lung monitor: from STX to the check octet behind ETX. Anything but printable text inside,
 * such as another STX, starts anew. ACK and NAK outside of messages answer commands that this hub never sends: noise.
 * Holds at most 127 octets.
 */
export const createVitalographFramer = (): Framer => createCuttingFramer(cut, VITALOGRAPH_LIMIT);
