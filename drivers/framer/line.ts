import type { Framer } from "../driver.ts";
import { type Cut, createCuttingFramer, frameOf, noise, overlong, WAIT } from "./cutting-framer.ts";

/** The longest documented line, a Tanita body composition, is some 220 octets; four times that and to a power of two. */
export const LINE_LIMIT = 1024;

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;

export interface LineFramerOptions {
  /** Last octet of a line: LF (also of CR LF, the default) or CR. It stays in the frame. */
  readonly end?: typeof LF | typeof CR;
  /** First octet of every line, where the format has one. */
  readonly start?: number;
}

const isText = (octet: number): boolean =>
  (octet >= 0x20 && octet <= 0x7e) || octet === TAB || octet === CR || octet === LF;

/**
 * Lines of printable ASCII. An octet that is no text is noise, and so is what stood before it in its line: line decoders
 * demand the beginning of a line, so the rest can not pass for a whole one. Empty lines are noise. A line of 1024 octets
 * without an end is discarded to its end as overlong. Holds at most 1023 octets.
 */
export const createLineFramer = ({ end = LF, start }: LineFramerOptions = {}): Framer => {
  let skipping = false;

  const skip = (pending: Uint8Array): Cut => {
    const last = pending.indexOf(end);
    if (last < 0) return overlong(pending.length);
    skipping = false;
    return overlong(last + 1);
  };

  const lineUpTo = (pending: Uint8Array, last: number): Cut => {
    for (let at = 0; at < last; at++) if (pending[at] !== CR && pending[at] !== LF) return frameOf(last + 1);
    return noise(last + 1);
  };

  const cut = (pending: Uint8Array): Cut => {
    if (skipping) return skip(pending);
    if (start !== undefined && pending[0] !== start) {
      const first = pending.indexOf(start);
      return noise(first < 0 ? pending.length : first);
    }
    const longest = Math.min(pending.length, LINE_LIMIT);
    for (let at = 0; at < longest; at++) {
      const octet = pending[at] ?? 0;
      if (octet === end) return lineUpTo(pending, at);
      if (!isText(octet)) return noise(at + 1);
      if (at > 0 && octet === start) return noise(at);
    }
    if (pending.length < LINE_LIMIT) return WAIT;
    skipping = true;
    return overlong(LINE_LIMIT);
  };

  return createCuttingFramer(cut, LINE_LIMIT);
};

/** Lines of a Tanita scale: from `{` to CR LF. A line that another one interrupts is noise. */
export const createTanitaFramer = (): Framer => createLineFramer({ start: "{".charCodeAt(0) });
