import { CONTEC_LIVE_LENGTH, CONTEC_RECORDED_LENGTH } from "../decode/contec.ts";
import { DF8_FRAME_LENGTH } from "../decode/nonin-df8.ts";
import type { Framer } from "../driver.ts";
import { type Cut, type Cutter, createCuttingFramer, frameOf, noise, WAIT } from "./cutting-framer.ts";

const isMarked = (octet: number): boolean => (octet & 0x80) !== 0;

/** Frames of `length` octets without a checksum, of which bit 7 marks the first `marked` and no other. */
const markedStart =
  (length: number, marked: number, isFirst: (octet: number) => boolean): Cutter =>
  (pending): Cut => {
    const next = pending.findIndex((octet, at) => at > 0 && isFirst(octet));
    const drop = noise(next < 0 ? pending.length : next);
    for (let at = 0; at < Math.min(length, pending.length); at++) {
      const octet = pending[at] ?? 0;
      const fits = at === 0 ? isFirst(octet) : isMarked(octet) === at < marked;
      if (!fits) return drop;
    }
    return pending.length < length ? WAIT : frameOf(length);
  };

/** 4-octet frames of Nonin format 8 (6470-000-01, page 16). Holds at most 3 octets. */
export const createNoninDf8Framer = (): Framer =>
  createCuttingFramer(markedStart(DF8_FRAME_LENGTH, 1, isMarked), DF8_FRAME_LENGTH);

/** 5-octet live frames of a Contec CMS50. Holds at most 4 octets. */
export const createContecLiveFramer = (): Framer =>
  createCuttingFramer(markedStart(CONTEC_LIVE_LENGTH, 1, isMarked), CONTEC_LIVE_LENGTH);

/** 3-octet frames of a Contec CMS50's memory: F0 or F1, a marked octet, an unmarked one. Holds at most 2 octets. */
export const createContecRecordedFramer = (): Framer =>
  createCuttingFramer(
    markedStart(CONTEC_RECORDED_LENGTH, 2, (octet) => (octet & 0xfe) === 0xf0),
    CONTEC_RECORDED_LENGTH,
  );
