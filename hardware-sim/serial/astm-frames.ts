import { ascii } from "./local-parts.ts";

/** Control characters of ASTM E1381. */
export const ASTM = { STX: 0x02, ETX: 0x03, EOT: 0x04, ENQ: 0x05, ACK: 0x06, NAK: 0x15, ETB: 0x17 } as const;

/** Frame numbers run 1 to 7, then 0 (E1381 6.3). */
const FRAME_NUMBERS = 8;
/** Most characters of text in one frame (E1381 6.3); the records of a meter are shorter, its header is not. */
const MAX_TEXT = 240;

/**
 * One frame: STX, number, text, CR, ETB (more follow) or ETX (the last one), sum modulo 256 of everything from the
 * number to ETB or ETX as two capital hexadecimal digits, CR, LF.
 */
export const astmFrame = (number: number, text: string, more: boolean): Uint8Array => {
  const summed = [...ascii(`${number % FRAME_NUMBERS}${text}\r`), more ? ASTM.ETB : ASTM.ETX];
  const sum = summed.reduce((total, octet) => total + octet, 0) & 0xff;
  const check = sum.toString(16).toUpperCase().padStart(2, "0");
  return Uint8Array.from([ASTM.STX, ...summed, ...ascii(`${check}\r\n`)]);
};

/** A message of records, one frame each, in order; the header is whole as the meters of Ascensia send it. */
export const astmFrames = (records: readonly string[]): readonly Uint8Array[] =>
  records.map((text, index) => {
    if (index > 0 && text.length > MAX_TEXT) throw new RangeError(`ASTM record of ${text.length} characters`);
    return astmFrame(index + 1, text, index < records.length - 1);
  });
