import type { DateTime } from "../decode/date-time.ts";
import { u8 } from "../decode/field.ts";
import {
  decodeTaidocDateTime,
  decodeTaidocFrame,
  decodeTaidocGlucose,
  TAIDOC_COMMAND,
  TAIDOC_FRAME_LENGTH,
  type TaidocGlucose,
} from "../decode/taidoc.ts";
import { type Decoded, decoded, malformed } from "../driver.ts";

/*
 * A record of a TaiDoc meter is told in two answers, its time (0x25) and its value (0x26), and stands in provenance as
 * the two frames, one after the other.
 */

export interface TaidocGlucoseRecord extends TaidocGlucose {
  readonly time: DateTime;
  readonly control: boolean;
}

export interface TaidocPressureRecord {
  readonly time: DateTime;
  readonly systolic: number;
  readonly diastolic: number;
  readonly pulse: number;
  readonly irregular: boolean;
  /** The mean of several measurements. */
  readonly average: boolean;
}

/** In the minute of a record's time: it is a pressure (h2SyncLib, ForaD40.h), its pulse was irregular (also foraBP.c). */
const IS_PRESSURE = 0x80;
const IRREGULAR = 0x40;
/** In the hour of a pressure: an average (foraBP.c and ForaD40.h). */
const AVERAGE = 0x80;
const MINUTE = 0x3f;
const HOUR = 0x1f;
/** Both meal bits: control solution (Tidepool, glucoRxDriver.js). */
const CONTROL = 0xc0;

interface Parts {
  readonly time: Uint8Array;
  readonly value: Uint8Array;
}

const partsOf = (raw: Uint8Array): Decoded<Parts> => {
  const time = decodeTaidocFrame(raw.subarray(0, TAIDOC_FRAME_LENGTH));
  if (time.tag === "malformed") return time;
  const value = decodeTaidocFrame(raw.subarray(TAIDOC_FRAME_LENGTH));
  if (value.tag === "malformed") return value;
  const isRecord =
    time.record.command === TAIDOC_COMMAND.readingTime && value.record.command === TAIDOC_COMMAND.readingValue;
  return isRecord
    ? decoded({ time: time.record.message, value: value.record.message })
    : malformed("format", "TaiDoc record: not the answers to 25 and 26");
};

/** What is the same whenever the record is told: its data, without frames around them. */
export const taidocIdentityOf = (raw: Uint8Array): Uint8Array =>
  Uint8Array.from([...raw.subarray(2, 6), ...raw.subarray(TAIDOC_FRAME_LENGTH + 2, TAIDOC_FRAME_LENGTH + 6)]);

export const decodeTaidocGlucoseRecord = (raw: Uint8Array): Decoded<TaidocGlucoseRecord> => {
  const parts = partsOf(raw);
  if (parts.tag === "malformed") return parts;
  if ((u8(parts.record.time, 2) & IS_PRESSURE) !== 0) {
    return malformed("unsupported", "TaiDoc record: a pressure in the memory of a glucose meter");
  }
  const time = decodeTaidocDateTime(parts.record.time);
  if (time.tag === "malformed") return time;
  const { value } = parts.record;
  const control = (u8(value, 3) & CONTROL) === CONTROL;
  // The decoder knows none, before and after: without the mark for control solution the rest of the octet must be 0.
  const glucose = decodeTaidocGlucose(control ? value.with(3, u8(value, 3) & ~CONTROL) : value);
  return glucose.tag === "malformed" ? glucose : decoded({ ...glucose.record, time: time.record, control });
};

/**
 * A pressure. Two sources agree on systolic, diastolic and pulse in octets 1, 3 and 4; octet 2 is the upper half of the
 * systolic in one (h2SyncLib) and the mean pressure in the other (foraBP.c). It is not used; where it is 1 it can only be
 * the first, and a systolic of 256 or more stands on one source, so the record is not read.
 */
export const decodeTaidocPressureRecord = (raw: Uint8Array): Decoded<TaidocPressureRecord> => {
  const parts = partsOf(raw);
  if (parts.tag === "malformed") return parts;
  const { value } = parts.record;
  const minute = u8(parts.record.time, 2);
  const hour = u8(parts.record.time, 3);
  const time = decodeTaidocDateTime(parts.record.time.with(2, minute & MINUTE).with(3, hour & HOUR));
  if (time.tag === "malformed") return time;
  if (u8(value, 1) === 1) return malformed("unsupported", "TaiDoc pressure: octet 2 is 1, a systolic above 255");
  return decoded({
    time: time.record,
    systolic: u8(value, 0),
    diastolic: u8(value, 2),
    pulse: u8(value, 3),
    irregular: (minute & IRREGULAR) !== 0,
    average: (hour & AVERAGE) !== 0,
  });
};
