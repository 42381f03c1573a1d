import { type GlucoseQuantity, type GlucoseTest, glucoseTruth } from "./glucose-result.ts";
import type { TrueValue } from "./measurement.ts";
import { taidocTime } from "./taidoc-frames.ts";

export interface TaidocPressure {
  readonly systolic: number;
  readonly diastolic: number;
  readonly pulse: number;
  readonly arrhythmia?: boolean;
}

export interface TaidocOximetry {
  readonly spo2: number;
  readonly pulse: number;
}

/** What a meter of this maker keeps. */
export type TaidocResult =
  | { readonly tag: "glucose"; readonly test: GlucoseTest }
  | { readonly tag: "blood-pressure"; readonly pressure: TaidocPressure }
  | { readonly tag: "oximetry"; readonly oximetry: TaidocOximetry };

/** Bits 7 and 6 of the last octet of a glucose value. */
const MEAL = { none: 0x00, before: 0x40, after: 0x80, control: 0xc0 } as const;
/** In the minute of a record's time: it is a pressure (bit 7), with arrhythmia (bit 6). */
const IS_PRESSURE = 0x80;
const ARRHYTHMIA = 0x40;

const wide = (value: number): readonly number[] => [value & 0xff, value >> 8];

const mealBits = ({ control, meal }: GlucoseTest): number => MEAL[control === true ? "control" : (meal ?? "none")];

/** Data of the answer to 25: time to the minute, and what kind of record it is. */
export const recordTime = (result: TaidocResult, shownMs: number): readonly number[] => {
  const [low = 0, high = 0, minute = 0, hour = 0] = taidocTime(shownMs);
  if (result.tag !== "blood-pressure") return [low, high, minute, hour];
  return [low, high, minute | IS_PRESSURE | (result.pressure.arrhythmia === true ? ARRHYTHMIA : 0), hour];
};

/**
 * Data of the answer to 26. Glucose: 16 bits of mg/dL, the code of the strip, meal. Pressure: 16 bits of systolic,
 * diastolic, pulse. Oximetry: on SpO2 in the first octet three sources agree (for the live value); where the pulse
 * stands they do not say or differ, so ours is where that of the cuffs is, and the truth does not claim it.
 */
export const recordValue = (result: TaidocResult): readonly number[] => {
  switch (result.tag) {
    case "glucose":
      return [...wide(result.test.mgPerDl), 0, mealBits(result.test)];
    case "blood-pressure":
      return [...wide(result.pressure.systolic), result.pressure.diastolic, result.pressure.pulse];
    case "oximetry":
      return [result.oximetry.spo2, 0, 0, result.oximetry.pulse];
  }
};

const whole = (quantity: string, value: number, unit: string): TrueValue => ({ quantity, value, decimals: 0, unit });

export const taidocTruth = (result: TaidocResult, naming: GlucoseQuantity): readonly TrueValue[] => {
  switch (result.tag) {
    case "glucose":
      return glucoseTruth(result.test, naming);
    case "blood-pressure":
      return [
        whole("blood-pressure.systolic", result.pressure.systolic, "mm[Hg]"),
        whole("blood-pressure.diastolic", result.pressure.diastolic, "mm[Hg]"),
        whole("pulse-rate.cuff", result.pressure.pulse, "/min"),
      ];
    case "oximetry":
      return [whole("spo2", result.oximetry.spo2, "%")];
  }
};
