import { type Decoded, decoded, malformed } from "../driver.ts";
import type { DateTime } from "./date-time.ts";
import { tooShort, u8 } from "./field.ts";

/*
 * Memory of a Visomat Double Comfort (Prevention DS-2200PV): decimal digits between STX and ETX. For each user: M, user,
 * number of records in two digits, then the records; a dummy digit where the number is 00 (git.ao2.it/visomat-utils,
 * README). Record: yymmdd HHMM, flag, systolic, diastolic, pulse in three digits each.
 */

export interface VisomatReading {
  /** The cuff's clock, unchecked. Factory and future dates are common. */
  readonly time: DateTime;
  /** Meaning not documented: arrhythmia or a failed check are guesses of the source. */
  readonly flag: number;
  readonly systolic: number;
  readonly diastolic: number;
  readonly pulse: number;
}

export interface VisomatMemory {
  readonly user: number;
  readonly readings: readonly VisomatReading[];
}

const WHAT = "Visomat memory";
const HEADER_LENGTH = 4;
const RECORD_LENGTH = 20;
/** Two digits of count. */
const MOST_READINGS = 99;
/** The cuff has two memories. */
const MOST_USERS = 9;
/** All that a response can be: 9 x (4 + 99 x 20) characters and STX, ETX. */
export const VISOMAT_LONGEST = MOST_USERS * (HEADER_LENGTH + MOST_READINGS * RECORD_LENGTH) + 2;

const DIGITS = /^\d+$/;
const STX = 0x02;
const ETX = 0x03;

const readingOf = (digits: string): VisomatReading => {
  const part = (from: number, to: number): number => Number(digits.slice(from, to));
  return {
    time: {
      year: 2000 + part(0, 2),
      month: part(2, 4),
      day: part(4, 6),
      hour: part(6, 8),
      minute: part(8, 10),
      second: null,
    },
    flag: part(10, 11),
    systolic: part(11, 14),
    diastolic: part(14, 17),
    pulse: part(17, 20),
  };
};

const payloadOf = (bytes: Uint8Array): string => {
  const from = u8(bytes, 0) === STX ? 1 : 0;
  const to = u8(bytes, bytes.length - 1) === ETX ? bytes.length - 1 : bytes.length;
  return Buffer.from(bytes.subarray(from, to)).toString("latin1");
};

/** A response to "R00", with or without its STX and ETX. Readings in the order of the cuff. */
export const decodeVisomatMemory = (bytes: Uint8Array): Decoded<readonly VisomatMemory[]> => {
  if (bytes.length > VISOMAT_LONGEST) return malformed("overlong", `${WHAT}: ${bytes.length} characters`);
  const text = payloadOf(bytes);
  if (text === "") return tooShort(WHAT, HEADER_LENGTH, 0);
  const memories: VisomatMemory[] = [];
  let at = 0;
  while (at < text.length) {
    const header = text.slice(at, at + HEADER_LENGTH);
    if (header[0] !== "M") return malformed("format", `${WHAT}: no M at character ${at + 1}`);
    if (header.length < HEADER_LENGTH) return tooShort(WHAT, at + HEADER_LENGTH, text.length);
    if (!DIGITS.test(header.slice(1))) return malformed("format", `${WHAT}: user and count are not digits`);
    const count = Number(header.slice(2));
    const length = count === 0 ? 1 : count * RECORD_LENGTH;
    at += HEADER_LENGTH;
    const digits = text.slice(at, at + length);
    if (digits !== "" && !DIGITS.test(digits)) return malformed("format", `${WHAT}: records are not digits only`);
    if (digits.length < length) return tooShort(WHAT, at + length, text.length);
    const readings: VisomatReading[] = [];
    for (let record = 0; record < count; record++) {
      readings.push(readingOf(digits.slice(record * RECORD_LENGTH)));
    }
    memories.push({ user: Number(header[1]), readings });
    at += length;
  }
  return decoded(memories);
};
