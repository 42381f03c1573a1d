import { le16, octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";
import { type Quantity, sfloat } from "./medical-float.ts";

/** Type of Glucose Measurement: 1 to 10 in this order (GLS 1.0.1, 3.1). */
const TYPES = [
  "capillary-whole-blood",
  "capillary-plasma",
  "venous-whole-blood",
  "venous-plasma",
  "arterial-whole-blood",
  "arterial-plasma",
  "undetermined-whole-blood",
  "undetermined-plasma",
  "interstitial-fluid",
  "control-solution",
] as const;

export type GlucoseType = (typeof TYPES)[number];

/** Sample Location (3.1). */
const LOCATIONS = {
  finger: 1,
  "alternate-site": 2,
  earlobe: 3,
  "control-solution": 4,
  unavailable: 15,
} as const;

export type SampleLocation = keyof typeof LOCATIONS;

/** Sensor Status Annunciation, bit 0 to 11 in this order (3.1). */
const ANNUNCIATIONS = [
  "battery-low",
  "sensor-malfunction",
  "sample-insufficient",
  "strip-insertion-error",
  "strip-type-incorrect",
  "result-too-high",
  "result-too-low",
  "temperature-too-high",
  "temperature-too-low",
  "read-interrupted",
  "general-fault",
  "time-fault",
] as const;

export type GlucoseAnnunciation = (typeof ANNUNCIATIONS)[number];

export interface GlucoseMeasurement {
  /**
   * In kg/L or mol/L, as the field has it: 111 mg/dL is `{ value: 0.00111, decimals: 5 }`. Left out: a record without
   * a concentration, for what the annunciation says.
   */
  readonly concentration?: {
    readonly value: Quantity;
    readonly unit: "kg/L" | "mol/L";
    readonly type: GlucoseType;
    readonly location: SampleLocation;
  };
  readonly status?: readonly GlucoseAnnunciation[];
}

/** When, by the meter: its base time, and minutes from there to what the user reads; null where it sends none. */
export interface GlucoseTime {
  readonly base: LocalDateTime;
  readonly offsetMinutes: number | "overrun" | "underrun" | null;
}

const FLAG = { OFFSET: 0x01, CONCENTRATION: 0x02, MOL: 0x04, STATUS: 0x08, CONTEXT: 0x10 } as const;

/** An offset too large for the field is 0x7FFF, one too small 0x8000 (3.1). */
const offsetOctets = (offset: number | "overrun" | "underrun"): readonly number[] => {
  if (offset === "overrun") return le16(0x7fff);
  return le16(offset === "underrun" ? 0x8000 : offset & 0xffff);
};

const statusBits = (status: readonly GlucoseAnnunciation[]): number =>
  status.reduce((bits, one) => bits | (1 << ANNUNCIATIONS.indexOf(one)), 0);

/** Glucose Measurement, characteristic 2A18. */
export const glucoseMeasurement = (
  { concentration, status }: GlucoseMeasurement,
  sequence: number,
  { base, offsetMinutes }: GlucoseTime,
  contextFollows: boolean,
): Uint8Array =>
  octets(
    (offsetMinutes === null ? 0 : FLAG.OFFSET) |
      (concentration === undefined ? 0 : FLAG.CONCENTRATION) |
      (concentration?.unit === "mol/L" ? FLAG.MOL : 0) |
      (status === undefined ? 0 : FLAG.STATUS) |
      (contextFollows ? FLAG.CONTEXT : 0),
    le16(sequence),
    dateTime(base),
    offsetMinutes === null ? [] : offsetOctets(offsetMinutes),
    concentration === undefined
      ? []
      : [
          ...sfloat(concentration.value),
          (TYPES.indexOf(concentration.type) + 1) | (LOCATIONS[concentration.location] << 4),
        ],
    status === undefined ? [] : le16(statusBits(status)),
  );
