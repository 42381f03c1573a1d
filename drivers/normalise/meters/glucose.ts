import { codeOf } from "../../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../../protocol/reading.ts";
import type { DateTime } from "../../decode/date-time.ts";
import { decimal, type MedicalFloat } from "../../decode/float.ts";
import { absentValue, measured } from "../number.ts";
import type { Measurement } from "../reading.ts";

const SAMPLES = {
  /** Capillary blood, shown as its plasma has it: how meters for the home are calibrated. */
  "capillary-plasma": codeOf("glucose.type.2"),
  "undetermined-whole-blood": codeOf("glucose.type.7"),
  "undetermined-plasma": codeOf("glucose.type.8"),
  /** The meter's documents do not say. */
  generic: codeOf("glucose.generic"),
} as const;

const CONTROL = codeOf("glucose.type.10");
const CONTROL_LOCATION = codeOf("glucose.context.samplelocation_ctrlsolution").mdc;
const MEAL = {
  before: codeOf("glucose.context.meal_preprandial").mdc,
  after: codeOf("glucose.context.meal_postprandial").mdc,
} as const;

export type GlucoseSample = keyof typeof SAMPLES;

/** One result in a meter's memory. */
export interface MeterGlucose {
  readonly sample: GlucoseSample;
  /** Above and below: beyond what the meter measures. Error: the meter itself does not trust what it keeps. */
  readonly value: MedicalFloat | "above" | "below" | "error";
  readonly unit: "mg/dL" | "mmol/L";
  /** Control solution: nobody's blood. */
  readonly control: boolean;
  readonly meal: "none" | "before" | "after";
  readonly time: DateTime | null;
  readonly context?: Readonly<Record<string, string>>;
}

/** The limits of what a meter measures, in mg/dL. */
export interface GlucoseRange {
  readonly lowest: number;
  readonly highest: number;
}

/** Whole mg/dL within the meter's range; a number beyond it is how a meter keeps HI or LO. */
export const mgPerDlWithin = (value: number, { lowest, highest }: GlucoseRange): MeterGlucose["value"] => {
  if (value > highest) return "above";
  return value < lowest ? "below" : decimal(value, 0);
};

const glucoseOf = ({ sample, value, unit, control }: MeterGlucose): ReadingValue => {
  const code = control ? CONTROL : SAMPLES[sample];
  if (value === "above") return absentValue(code, "positive-infinity");
  if (value === "below") return absentValue(code, "negative-infinity");
  return value === "error" ? absentValue(code, "error") : measured(code, value, unit);
};

/**
 * A glucose result out of a meter's memory, with the precision and in the unit that the meter sends. A test with control
 * solution stands under its own code and as test data, so that it can never pass for a patient's result.
 */
export const meterGlucose = (result: MeterGlucose): Measurement => {
  const quality: Quality[] = ["stored"];
  if (result.control) quality.push("test-data");
  return {
    kind: "glucose",
    status: result.value === "error" ? "entered-in-error" : "final",
    values: [glucoseOf(result)],
    supplemental: [],
    context: {
      ...result.context,
      ...(result.meal === "none" ? {} : { meal: MEAL[result.meal] }),
      ...(result.control ? { location: CONTROL_LOCATION } : {}),
    },
    flags: [],
    quality,
    time: result.time,
  };
};
