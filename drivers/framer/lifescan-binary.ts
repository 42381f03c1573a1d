import { crcCcittFalse } from "../decode/crc.ts";
import {
  LIFESCAN_ETX,
  LIFESCAN_LONGEST_FRAME,
  LIFESCAN_SHORTEST_FRAME,
  LIFESCAN_STX,
} from "../decode/lifescan-binary.ts";
import type { Framer } from "../driver.ts";
import {
  badChecksum,
  type Cut,
  createCuttingFramer,
  frameOf,
  noise,
  noiseUpTo,
  orLaterFrame,
  WAIT,
} from "./cutting-framer.ts";

const cut = (pending: Uint8Array): Cut => {
  if (pending[0] !== LIFESCAN_STX) return noiseUpTo(pending, LIFESCAN_STX);
  const [, length, linkControl] = pending;
  if (length === undefined) return WAIT;
  if (length < LIFESCAN_SHORTEST_FRAME) return noise(1);
  // Three bits of link control are always 0: a false start is seen at the third octet, not after a whole false frame.
  if (linkControl !== undefined && (linkControl & 0xe0) !== 0) return noise(1);
  if (pending.length < length) return WAIT;
  if (pending[length - 3] !== LIFESCAN_ETX) return noise(1);
  const crc = (pending[length - 2] ?? 0) | ((pending[length - 1] ?? 0) << 8);
  return crcCcittFalse(pending, 0, length - 2) === crc ? frameOf(length) : badChecksum(1);
};

/** Frames of LifeScan's binary protocol. Holds at most 254 octets. */
export const createLifescanBinaryFramer = (): Framer =>
  createCuttingFramer(orLaterFrame(cut, LIFESCAN_STX), LIFESCAN_LONGEST_FRAME);
