import { type Decoded, decoded, malformed } from "../driver.ts";
import { type DateTime, dateTimeFault } from "./date-time.ts";
import { tooShort, u8 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";
import { lineText } from "./line-text.ts";

/*
 * ASTM E1381 frames and E1394 records, as Ascensia (Bayer) Contour meters send them. A frame is STX, frame number 0 to
 * 7, text, CR, ETB (more follows) or ETX, checksum as two hex digits, CR LF. The checksum is the sum of the octets from
 * the frame number to ETB or ETX, modulo 256 (E1381 section 6.3.3).
 */

export const ASTM = {
  stx: 0x02,
  etx: 0x03,
  eot: 0x04,
  enq: 0x05,
  ack: 0x06,
  nak: 0x15,
  etb: 0x17,
  cr: 0x0d,
  lf: 0x0a,
} as const;

export interface AstmFrame {
  readonly frameNo: number;
  /** The message goes on in the next frame. */
  readonly more: boolean;
  /** Without the CR that ends the record. */
  readonly text: string;
}

/** Result record, E1394 section 9. */
export interface AstmResult {
  readonly sequence: number;
  readonly test: string;
  /** Null where the field is not a number (HI, LO, empty). */
  readonly value: MedicalFloat | null;
  readonly valueText: string;
  readonly unit: string;
  /** P plasma, B whole blood, D deproteinised whole blood. */
  readonly reference: string;
  /** Meter's marks, separated by `/`: B before, A after, X, C control ... as sent. */
  readonly flags: string;
  readonly time: DateTime | null;
}

/** Header record, E1394 section 6: who sends. */
export interface AstmHeader {
  readonly product: string;
  readonly versions: readonly string[];
  readonly serial: string;
  readonly time: DateTime | null;
}

const FRAME = "ASTM frame";

/** The frame's checksum over octets `from` up to and not including `to`. */
export const astmChecksum = (bytes: Uint8Array, from: number, to: number): number => {
  let sum = 0;
  for (let at = from; at < to; at++) sum += u8(bytes, at);
  return sum & 0xff;
};

const HEX = "0123456789ABCDEF";
const hexDigit = (octet: number): number => HEX.indexOf(String.fromCharCode(octet).toUpperCase());

/**
 * One frame. Meters put EOT before it and ENQ after it in the same transmission; these are no part of the frame and are
 * passed over.
 */
export const decodeAstmFrame = (bytes: Uint8Array): Decoded<AstmFrame> => {
  if (bytes.length === 0) return tooShort(FRAME, 7, 0);
  const start = bytes.indexOf(ASTM.stx);
  if (start < 0 || bytes.subarray(0, start).some((octet) => octet !== ASTM.eot && octet !== ASTM.enq)) {
    return malformed("sync", `${FRAME}: no STX at its start`);
  }
  let end = start + 1;
  while (end < bytes.length && u8(bytes, end) !== ASTM.etx && u8(bytes, end) !== ASTM.etb) end++;
  if (end + 2 >= bytes.length) return tooShort(`${FRAME}, up to its checksum`, end + 3, bytes.length);
  const high = hexDigit(u8(bytes, end + 1));
  const low = hexDigit(u8(bytes, end + 2));
  if (high < 0 || low < 0) return malformed("format", `${FRAME}: checksum is not two hex digits`);
  if (astmChecksum(bytes, start + 1, end + 1) !== high * 16 + low) {
    return malformed("checksum", `${FRAME}: checksum does not match`);
  }
  const rest = bytes.subarray(end + 3);
  const after = rest[0] === ASTM.cr ? (rest[1] === ASTM.lf ? 2 : 1) : 0;
  if (rest.subarray(after).some((octet) => octet !== ASTM.enq && octet !== ASTM.eot)) {
    return malformed("format", `${FRAME}: octets after its end`);
  }
  const frameNo = u8(bytes, start + 1) - 0x30;
  if (frameNo < 0 || frameNo > 7) return malformed("format", `${FRAME}: frame number is not 0 to 7`);
  const textEnd = u8(bytes, end - 1) === ASTM.cr ? end - 1 : end;
  const text = Buffer.from(bytes.subarray(start + 2, Math.max(start + 2, textEnd))).toString("latin1");
  return decoded({ frameNo, more: u8(bytes, end) === ASTM.etb, text });
};

const STAMP = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?$/;

const timeOf = (text: string): Decoded<DateTime | null> => {
  if (text === "") return decoded(null);
  const match = STAMP.exec(text);
  if (match === null) return malformed("format", "ASTM record: time is not YYYYMMDDHHMM");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1, 6).map(Number);
  const second = match[6] === undefined ? null : Number(match[6]);
  const time: DateTime = { year, month, day, hour, minute, second };
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `ASTM record: ${fault} out of range`);
};

const NUMBER = /^(\d{1,6})(?:\.(\d{1,4}))?$/;

const numberOf = (text: string): MedicalFloat | null => {
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [, whole = "", fraction = ""] = match;
  return decimal(Number(`${whole}${fraction}`), fraction.length);
};

/** `R|8|^^^Glucose|133|mg/dL^P||B/X||201202052034` */
export const decodeAstmResult = (bytes: Uint8Array): Decoded<AstmResult> => {
  const line = lineText("ASTM result record", bytes);
  if (line.tag === "malformed") return line;
  const fields = line.record.split("|");
  const [type, sequence = "", test = "", value = "", unit = "", , flags = "", , stamp] = fields;
  if (type !== "R") return malformed("format", "ASTM result record: type is not R");
  if (stamp === undefined) return tooShort("ASTM result record, fields", 9, fields.length);
  if (!/^\d{1,6}$/.test(sequence)) return malformed("format", "ASTM result record: sequence is not a number");
  // A time cut off in the middle is not a time without its end.
  const time = timeOf(stamp);
  if (time.tag === "malformed") return time;
  const name = test.split("^").at(-1) ?? "";
  if (name === "") return malformed("format", "ASTM result record: no test name");
  const [unitText = "", reference = ""] = unit.split("^");
  return decoded({
    sequence: Number(sequence),
    test: name,
    value: numberOf(value),
    valueText: value,
    unit: unitText,
    reference,
    flags,
    time: time.record,
  });
};

/** `H|\^&||7w3LBL|Bayer7390^01.24\01.04\09.02.20^7390-2336773^7403-|...|1|201909221304` */
export const decodeAstmHeader = (bytes: Uint8Array): Decoded<AstmHeader> => {
  const line = lineText("ASTM header record", bytes);
  if (line.tag === "malformed") return line;
  const fields = line.record.split("|");
  if (fields[0] !== "H") return malformed("format", "ASTM header record: type is not H");
  const stamp = fields[13];
  if (stamp === undefined) return tooShort("ASTM header record, fields", 14, fields.length);
  const time = timeOf(stamp);
  if (time.tag === "malformed") return time;
  const [product = "", versions = "", serial = ""] = (fields[4] ?? "").split("^");
  if (product === "" || serial === "") return malformed("format", "ASTM header record: no product or serial number");
  return decoded({ product, versions: versions.split("\\"), serial, time: time.record });
};
