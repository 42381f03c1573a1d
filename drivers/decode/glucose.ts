import { type Decoded, decoded } from "../driver.ts";
import { bitNames, unnamedBits } from "./bit-names.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt, plusMinutes } from "./date-time.ts";
import { i16, tooShort, u8, u16 } from "./field.ts";
import { type MedicalFloat, sfloatAt, shifted } from "./float.ts";

/** Minutes from the meter's own clock to what its display showed; unknown after an overrun (0x7FFF, 0x8000). */
export type TimeOffset =
  | { readonly tag: "absent" }
  | { readonly tag: "minutes"; readonly minutes: number }
  | { readonly tag: "unknown" };

/** Glucose Measurement, 0x2A18 (GLS 1.0.1 section 3.1). */
export interface GlucoseRecord {
  readonly sequence: number;
  readonly baseTime: DateTime;
  readonly timeOffset: TimeOffset;
  /** In `unit`. Null where the flags announce none. */
  readonly concentration: MedicalFloat | null;
  readonly unit: "kg/L" | "mol/L";
  /** 1 to 10, see code table `glucose.type.N`; null without concentration. */
  readonly type: number | null;
  /** 1 finger, 2 alternate site, 3 earlobe, 4 control solution, 15 not available; null without concentration. */
  readonly sampleLocation: number | null;
  /** 16 bits, see `glucoseSensorFlags`. */
  readonly sensorStatus: number | null;
  readonly contextFollows: boolean;
  /** Flag bits 5 to 7 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
}

export type GlucoseSensorFlag =
  | "deviceBatteryLow"
  | "sensorMalfunction"
  | "sampleInsufficient"
  | "stripInsertion"
  | "stripType"
  | "resultTooHigh"
  | "resultTooLow"
  | "temperatureTooHigh"
  | "temperatureTooLow"
  | "readInterrupted"
  | "generalDeviceFault"
  | "timeFault";

const SENSOR: readonly GlucoseSensorFlag[] = [
  "deviceBatteryLow",
  "sensorMalfunction",
  "sampleInsufficient",
  "stripInsertion",
  "stripType",
  "resultTooHigh",
  "resultTooLow",
  "temperatureTooHigh",
  "temperatureTooLow",
  "readInterrupted",
  "generalDeviceFault",
  "timeFault",
];

/** Names of the bits of Sensor Status Annunciation (GLS 1.0.1 section 3.1.1.7). */
export const glucoseSensorFlags = (raw: number): readonly GlucoseSensorFlag[] => bitNames(raw, SENSOR);
export const GLUCOSE_SENSOR_RESERVED: number = unnamedBits(SENSOR, 16);

const ABSENT: TimeOffset = { tag: "absent" };
const UNKNOWN: TimeOffset = { tag: "unknown" };

const offsetOf = (raw: number): TimeOffset =>
  raw === 0x7fff || raw === -0x8000 ? UNKNOWN : { tag: "minutes", minutes: raw };

export const decodeGlucose = (bytes: Uint8Array): Decoded<GlucoseRecord> => {
  const flags = u8(bytes, 0);
  const moved = (flags & 0x01) !== 0;
  const measured = (flags & 0x02) !== 0;
  const judged = (flags & 0x08) !== 0;
  const offsetAt = 3 + DATE_TIME_LENGTH;
  const concentrationAt = offsetAt + (moved ? 2 : 0);
  const statusAt = concentrationAt + (measured ? 3 : 0);
  const needed = statusAt + (judged ? 2 : 0);
  if (bytes.length < needed) return tooShort("glucose measurement", needed, bytes.length);
  const place = u8(bytes, concentrationAt + 2);
  return decoded({
    sequence: u16(bytes, 1),
    baseTime: dateTimeAt(bytes, 3),
    timeOffset: moved ? offsetOf(i16(bytes, offsetAt)) : ABSENT,
    concentration: measured ? sfloatAt(bytes, concentrationAt) : null,
    unit: (flags & 0x04) === 0 ? "kg/L" : "mol/L",
    type: measured ? place & 0x0f : null,
    sampleLocation: measured ? place >> 4 : null,
    sensorStatus: judged ? u16(bytes, statusAt) : null,
    contextFollows: (flags & 0x10) !== 0,
    reservedFlags: flags & 0xe0,
    trailing: bytes.length - needed,
  });
};

/** What the display showed: base time plus offset (GLS 1.0.1 section 3.1.1.4); null where either is not known. */
export const userFacingTime = (record: Pick<GlucoseRecord, "baseTime" | "timeOffset">): DateTime | null => {
  switch (record.timeOffset.tag) {
    case "absent":
      return record.baseTime;
    case "minutes":
      return plusMinutes(record.baseTime, record.timeOffset.minutes);
    case "unknown":
      return null;
  }
};

/** kg/L as mg/dL (10^5) or mol/L as mmol/L (10^3): the units in which people read glucose. */
export const displayConcentration = (
  record: Pick<GlucoseRecord, "concentration" | "unit">,
): { readonly concentration: MedicalFloat; readonly unit: "mg/dL" | "mmol/L" } | null => {
  if (record.concentration === null) return null;
  return record.unit === "kg/L"
    ? { concentration: shifted(record.concentration, 5), unit: "mg/dL" }
    : { concentration: shifted(record.concentration, 3), unit: "mmol/L" };
};
