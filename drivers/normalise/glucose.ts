import { type Code, codeOf } from "../../protocol/codes.ts";
import type { DraftReading, Quality, ReadingValue } from "../../protocol/reading.ts";
import type { DateTime } from "../decode/date-time.ts";
import {
  displayConcentration,
  GLUCOSE_SENSOR_RESERVED,
  type GlucoseRecord,
  type GlucoseSensorFlag,
  glucoseSensorFlags,
  userFacingTime,
} from "../decode/glucose.ts";
import type { GlucoseContextRecord } from "../decode/glucose-context.ts";
import { glucoseContext, isReservedMeal } from "./glucose-context.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";
import { kebab } from "./words.ts";

const GENERIC = codeOf("glucose.generic");
const TYPES: readonly Code[] = Array.from({ length: 10 }, (_, at) => codeOf(`glucose.type.${at + 1}`));
const CONTROL_TYPE = 10;
const CONTROL_LOCATION = 4;

/** Sample Location (GLS 1.0.1 section 3.1.1.6; CGMS 1.0.2 section 3.2 adds 5). 15 is "not available". */
const LOCATIONS: ReadonlyMap<number, number> = new Map(
  [
    codeOf("glucose.context.samplelocation_finger"),
    codeOf("glucose.context.samplelocation_ast"),
    codeOf("glucose.context.samplelocation_earlobe"),
    codeOf("glucose.context.samplelocation_ctrlsolution"),
    codeOf("glucose.context.samplelocation_subcutaneous"),
  ].map(({ mdc }, at) => [at + 1, mdc]),
);

/** Say how the meter is doing, not that the value is in doubt. */
const HARMLESS: ReadonlySet<GlucoseSensorFlag> = new Set(["deviceBatteryLow", "timeFault"]);

/** A measurement with what belongs to it. */
export interface GlucoseResult {
  readonly measurement: GlucoseRecord;
  /** Null where the meter announced none, or where it never came. */
  readonly context: GlucoseContextRecord | null;
  /** A meter that tells only in the context whether the value is glucose at all: without it there is no value. */
  readonly isContextVital: boolean;
}

/** The code of a fluid; the general one where it is reserved. Control solution is never a patient's result. */
export const glucoseCodeOf = (type: number | null, location: number | null): Code => {
  if (location === CONTROL_LOCATION) return TYPES[CONTROL_TYPE - 1] ?? GENERIC;
  return (type === null ? undefined : TYPES[type - 1]) ?? GENERIC;
};

export const isControl = (type: number | null, location: number | null): boolean =>
  type === CONTROL_TYPE || location === CONTROL_LOCATION;

export const locationOf = (location: number | null): DraftReading["context"] => {
  const mdc = location === null ? undefined : LOCATIONS.get(location);
  return mdc === undefined ? {} : { location: mdc };
};

/** The stamp that people read on the meter; the base time alone where the offset is not known. */
export const glucoseTime = ({ measurement }: GlucoseResult): DateTime =>
  userFacingTime(measurement) ?? measurement.baseTime;

/** Whether that stamp is of the clock that the meter shows now: not with an unknown offset, nor after a time fault. */
export const isGlucoseOnClock = ({ measurement }: GlucoseResult): boolean =>
  measurement.timeOffset.tag !== "unknown" && !glucoseSensorFlags(measurement.sensorStatus ?? 0).includes("timeFault");

const readingValue = ({ measurement, context, isContextVital }: GlucoseResult): ReadingValue => {
  const code = glucoseCodeOf(measurement.type, measurement.sampleLocation);
  const shown = displayConcentration(measurement);
  if (shown === null || (context === null && isContextVital)) return absentValue(code, "unknown");
  return measured(code, shown.concentration, shown.unit);
};

/**
 * A glucose measurement in mg/dL or mmol/L, as the meter keeps it. What the meter says of itself puts the value in doubt
 * and stands in the flags; it does not take the value away. Without a concentration: `not-performed`.
 */
export const glucose = (result: GlucoseResult): Measurement => {
  const { measurement, context } = result;
  const { type, sampleLocation, sensorStatus } = measurement;
  const status = glucoseSensorFlags(sensorStatus ?? 0);
  const isMissing = context === null && measurement.contextFollows;
  const isDeviating =
    measurement.reservedFlags !== 0 ||
    measurement.trailing > 0 ||
    ((sensorStatus ?? 0) & GLUCOSE_SENSOR_RESERVED) !== 0 ||
    (type !== null && TYPES[type - 1] === undefined) ||
    (context !== null && (context.trailing > 0 || isReservedMeal(context)));
  const quality: Quality[] = [];
  if (isDeviating || isMissing || status.some((flag) => !HARMLESS.has(flag))) quality.push("questionable");
  if (isControl(type, sampleLocation)) quality.push("test-data");
  return {
    kind: "glucose",
    status: measurement.concentration === null ? "not-performed" : "final",
    values: [readingValue(result)],
    supplemental: [],
    context: {
      sequence: measurement.sequence,
      ...locationOf(sampleLocation),
      ...(sensorStatus === null ? {} : { status: sensorStatus }),
      ...(context === null ? {} : glucoseContext(context)),
    },
    flags: [...status.map(kebab), ...(isMissing ? ["context-missing"] : [])],
    quality,
    time: glucoseTime(result),
    deviceSequence: measurement.sequence,
  };
};
