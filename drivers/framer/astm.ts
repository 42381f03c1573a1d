import { ASTM, astmChecksum } from "../decode/astm.ts";
import type { Framer } from "../driver.ts";
import { badChecksum, type Cut, createCuttingFramer, frameOf, noise, WAIT } from "./cutting-framer.ts";

/** E1381 section 6.3.1.2 allows 240 characters of text in a frame; meters exceed it, this is four times as much. */
export const ASTM_LIMIT = 1024;

/** ETB or ETX, two digits of checksum, CR, LF. */
const TAIL = 5;

const isLinkControl = (octet: number): boolean =>
  octet === ASTM.enq || octet === ASTM.eot || octet === ASTM.ack || octet === ASTM.nak;

const isStart = (octet: number): boolean => octet === ASTM.stx || isLinkControl(octet);

const noiseUpToStart = (pending: Uint8Array): Cut => {
  const next = pending.findIndex((octet, at) => at > 0 && isStart(octet));
  return noise(next < 0 ? pending.length : next);
};

const hexValue = (pending: Uint8Array, at: number): number => {
  const digits = String.fromCharCode(pending[at] ?? 0, pending[at + 1] ?? 0);
  return /^[0-9A-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
};

const cutFrame = (pending: Uint8Array): Cut => {
  const longest = Math.min(pending.length, ASTM_LIMIT);
  for (let at = 1; at < longest; at++) {
    const octet = pending[at] ?? 0;
    if (isStart(octet)) return noise(at);
    if (octet !== ASTM.etx && octet !== ASTM.etb) continue;
    const whole = at + TAIL;
    if (whole > ASTM_LIMIT) return noiseUpToStart(pending);
    if (pending.length < whole) return WAIT;
    if (pending[whole - 2] !== ASTM.cr || pending[whole - 1] !== ASTM.lf) return noiseUpToStart(pending);
    const right = astmChecksum(pending, 1, at + 1) === hexValue(pending, at + 1);
    return right ? frameOf(whole) : badChecksum(whole);
  }
  return pending.length < ASTM_LIMIT ? WAIT : noiseUpToStart(pending);
};

const cut = (pending: Uint8Array): Cut => {
  const first = pending[0] ?? 0;
  if (isLinkControl(first)) return frameOf(1);
  return first === ASTM.stx ? cutFrame(pending) : noiseUpToStart(pending);
};

/**
 * ASTM E1381: frames from STX to CR LF, and ENQ, EOT, ACK and NAK as frames of one octet. A frame with a wrong checksum
 * comes out whole as discarded with reason `checksum`: the session answers it with NAK. Holds at most 1023 octets.
 */
export const createAstmFramer = (): Framer => createCuttingFramer(cut, ASTM_LIMIT);
