import { DF2_FRAME_LENGTH, df2Checksum } from "../decode/nonin-df2.ts";
import type { Framer } from "../driver.ts";
import { badChecksum, type Cut, createCuttingFramer, frameOf, noise, noiseUpTo, WAIT } from "./cutting-framer.ts";

const START = 0x01;

const cut = (pending: Uint8Array): Cut => {
  if (pending[0] !== START) return noiseUpTo(pending, START);
  const status = pending[1];
  if (status === undefined) return WAIT;
  if ((status & 0x80) === 0) return noise(1);
  if (pending.length < DF2_FRAME_LENGTH) return WAIT;
  return df2Checksum(pending, 0) === pending[4] ? frameOf(DF2_FRAME_LENGTH) : badChecksum(1);
};

/**
 * 5-octet frames of Nonin format 2: 01, a status octet with bit 7, and the right checksum (6470-000-01, pages 8 to 11).
 * Holds at most 4 octets.
 */
export const createNoninDf2Framer = (): Framer => createCuttingFramer(cut, DF2_FRAME_LENGTH);
