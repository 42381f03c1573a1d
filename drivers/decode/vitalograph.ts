import { type Decoded, decoded, malformed } from "../driver.ts";
import type { DateTime } from "./date-time.ts";
import { tooLong, tooShort, u8 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";

/*
 * What a Vitalograph model 4000 lung monitor says: STX, letters and digits, ETX, and a check octet, the exclusive or of
 * everything from STX to ETX. After each blow it sends test data, in one of two layouts of fixed length that the first
 * letter tells apart: F (Bluetooth serial port; OpenTele client, FevMeasurementPacket and its recorded frame) and G
 * (adds PEF and FEV0.75; a recorded frame with all field names, and the eViaHealth client, SigleTestData). The maker's
 * document is not public: docs/decisions/2026-11-22-spirometry.md weighs these sources.
 */

export const VITALOGRAPH_STX = 0x02;
export const VITALOGRAPH_ETX = 0x03;
export const VITALOGRAPH_ACK = 0x06;

/** Test data of layout G: 68 characters in STX, ETX and the check octet. */
export const VITALOGRAPH_LONGEST_TEST = 71;

/** One blow. Null where the monitor sent zeros for a value: it has none. */
export interface VitalographTest {
  readonly tag: "test";
  readonly layout: "F" | "G";
  /** Ten digits, the monitor's own number. */
  readonly serial: string;
  /** Litres a minute. Null also in layout F, which has no place for it. */
  readonly pef: MedicalFloat | null;
  readonly fev075: MedicalFloat | null;
  /** Litres. */
  readonly fev1: MedicalFloat | null;
  readonly fev6: MedicalFloat | null;
  /** Per cent: sent in hundredths, 091 is 91 %. */
  readonly fev1Fev6: MedicalFloat | null;
  /** Litres a second. */
  readonly fef2575: MedicalFloat | null;
  /** What the person's best was set to in the monitor: litres, and litres a minute. */
  readonly fev1Best: MedicalFloat | null;
  readonly pefBest: MedicalFloat | null;
  /** Per cent of that best. */
  readonly fev1Percent: MedicalFloat | null;
  readonly pefPercent: MedicalFloat | null;
  /** Per cent of the best above which the monitor shows green, yellow, orange. */
  readonly zones: { readonly green: number; readonly yellow: number; readonly orange: number };
  /** The monitor's clock, unchecked; local time. */
  readonly time: DateTime;
  /** The monitor accepted the blow: digit 0. With 1 it did not, and does not say why. */
  readonly isGood: boolean;
  readonly software: string;
}

export type VitalographMessage =
  | VitalographTest
  /** Anything else with a right check octet, such as the notice of a monitor that is switched off. */
  | { readonly tag: "other"; readonly code: string; readonly length: number };

const WHAT = "Vitalograph message";
const CODE_LENGTH = 3;
/** STX before, ETX and the check octet after the text. */
const AROUND = 3;

const TEXT = /^[A-Z]{3}[ -~]*$/;
const TEST_DATA = /^[A-Z]TD$/;

const TEXT_LENGTH = { F: 56, G: 68 } as const;

/** Exclusive or of STX, text and ETX. */
export const vitalographCheck = (bytes: Uint8Array): number => bytes.reduce((check, octet) => check ^ octet, 0);

/** Hands out the fields of a text from left to right; the text's length was checked against the layout's. */
const fieldsOf = (text: string) => {
  let at = CODE_LENGTH;
  const take = (length: number): string => {
    at += length;
    return text.slice(at - length, at);
  };
  const number = (length: number): number => Number(take(length));
  return {
    take,
    number,
    /** Three digits with `decimals` of them after the point; zeros are no value. */
    value: (decimals: number): MedicalFloat | null => {
      const digits = number(3);
      return digits === 0 ? null : decimal(digits, decimals);
    },
  };
};

const testOf = (layout: "F" | "G", text: string): VitalographTest => {
  const isLong = layout === "G";
  const { take, number, value } = fieldsOf(text);
  const serial = take(10);
  const pef = isLong ? value(0) : null;
  const fev075 = isLong ? value(2) : null;
  const [fev1, fev6, fev1Fev6, fef2575] = [value(2), value(2), value(0), value(2)];
  const fev1Best = value(2);
  const pefBest = isLong ? value(0) : null;
  const fev1Percent = value(0);
  const pefPercent = isLong ? value(0) : null;
  const zones = { green: number(3), yellow: number(3), orange: number(3) };
  const time = {
    year: 2000 + number(2),
    month: number(2),
    day: number(2),
    hour: number(2),
    minute: number(2),
    second: number(2),
  };
  const isGood = take(1) === "0";
  return {
    tag: "test",
    layout,
    serial,
    pef,
    fev075,
    fev1,
    fev6,
    fev1Fev6,
    fef2575,
    fev1Best,
    pefBest,
    fev1Percent,
    pefPercent,
    zones,
    time,
    isGood,
    software: take(3),
  };
};

const decodeTest = (text: string): Decoded<VitalographTest> => {
  const layout = text[0];
  if (layout !== "F" && layout !== "G") {
    return malformed("unsupported", `${WHAT}: test data of layout ${layout}, known are F and G`);
  }
  const length = TEXT_LENGTH[layout];
  if (text.length < length) return tooShort(WHAT, length + AROUND, text.length + AROUND);
  if (text.length > length) return tooLong(WHAT, length + AROUND, text.length + AROUND);
  const digits = text.slice(CODE_LENGTH);
  if (!/^\d+$/.test(digits)) return malformed("format", `${WHAT}: test data is not digits only`);
  // Before the three digits of the software stands the verdict on the blow.
  if (!/[01]\d{3}$/.test(digits)) return malformed("range", `${WHAT}: neither a good nor a bad test`);
  return decoded(testOf(layout, text));
};

/** One message, from STX to its check octet. */
export const decodeVitalograph = (bytes: Uint8Array): Decoded<VitalographMessage> => {
  const shortest = CODE_LENGTH + AROUND;
  if (bytes.length < shortest) return tooShort(WHAT, shortest, bytes.length);
  if (u8(bytes, 0) !== VITALOGRAPH_STX) return malformed("sync", `${WHAT}: does not begin with STX`);
  const end = bytes.indexOf(VITALOGRAPH_ETX);
  // The check octet of a cut message can be an ETX of its text only by being the last octet.
  if (end < 0 || end === bytes.length - 1) return malformed("truncated", `${WHAT}: no ETX and check octet`);
  if (end !== bytes.length - 2) return malformed("format", `${WHAT}: goes on after its check octet`);
  if (vitalographCheck(bytes.subarray(0, end + 1)) !== u8(bytes, end + 1)) {
    return malformed("checksum", `${WHAT}: check octet does not fit`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + 1, end - 1).toString("latin1");
  if (!TEXT.test(text)) return malformed("format", `${WHAT}: no three letters and printable text`);
  const code = text.slice(0, CODE_LENGTH);
  return TEST_DATA.test(code) ? decodeTest(text) : decoded({ tag: "other", code, length: text.length });
};

/** A message that has to be a test. */
export const decodeVitalographTest = (bytes: Uint8Array): Decoded<VitalographTest> => {
  const message = decodeVitalograph(bytes);
  if (message.tag === "malformed") return message;
  const { record } = message;
  return record.tag === "test"
    ? decoded(record)
    : malformed("unsupported", `${WHAT}: ${record.code} carries no test data`);
};
