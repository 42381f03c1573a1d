import {
  TAIDOC_FRAME_LENGTH,
  TAIDOC_FROM_DEVICE,
  TAIDOC_START,
  TAIDOC_TO_DEVICE,
  taidocChecksum,
} from "../decode/taidoc.ts";
import type { Framer } from "../driver.ts";
import { badChecksum, type Cut, createCuttingFramer, frameOf, noise, noiseUpTo, WAIT } from "./cutting-framer.ts";

const cut = (pending: Uint8Array): Cut => {
  if (pending[0] !== TAIDOC_START) return noiseUpTo(pending, TAIDOC_START);
  const direction = pending[6];
  if (direction !== undefined && direction !== TAIDOC_TO_DEVICE && direction !== TAIDOC_FROM_DEVICE) return noise(1);
  if (pending.length < TAIDOC_FRAME_LENGTH) return WAIT;
  return taidocChecksum(pending) === pending[7] ? frameOf(TAIDOC_FRAME_LENGTH) : badChecksum(1);
};

/** 8-octet frames of TaiDoc and FORA meters. Holds at most 7 octets. */
export const createTaidocFramer = (): Framer => createCuttingFramer(cut, TAIDOC_FRAME_LENGTH);
