import { codeOf } from "../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../protocol/reading.ts";
import { type CgmFlag, type CgmRecord, cgmFlags } from "../decode/cgm.ts";
import type { CgmSessionStart } from "../decode/cgm-session.ts";
import { type DateTime, plusMinutes } from "../decode/date-time.ts";
import { glucoseCodeOf, isControl, locationOf } from "./glucose.ts";
import { measured } from "./number.ts";
import type { Measurement } from "./reading.ts";
import { kebab } from "./words.ts";

const TREND = codeOf("cgm.trend");
/** Interstitial fluid: what a CGM measures in unless it says otherwise. */
const INTERSTITIAL = 9;

/** What a sensor says once of all its records. */
export interface CgmSession {
  /** Null where it cannot be read. An unset one has a date of zeros. */
  readonly start: CgmSessionStart | null;
  readonly type: number | null;
  readonly sampleLocation: number | null;
  readonly runTimeH: number | null;
}

/** The records of one value. */
export interface CgmReport {
  readonly records: readonly CgmRecord[];
  readonly session: CgmSession | null;
}

/** A start that nobody knows; a stamp that says so, since the record is not of the time at which it is read. */
const UNKNOWN: DateTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };

/** Calibration is due: values before it may not be what they will be. One that is not allowed is no fault of the value. */
const CALIBRATING: ReadonlySet<CgmFlag> = new Set(["calibrationRequired"]);
/** Put the value in doubt. The others are about the patient, the battery, or what to do next. */
const DOUBTFUL: ReadonlySet<CgmFlag> = new Set([
  "sessionStopped",
  "sensorTypeIncorrect",
  "sensorMalfunction",
  "generalDeviceFault",
  "sensorTemperatureTooHigh",
  "sensorTemperatureTooLow",
  "belowDeviceRange",
  "aboveDeviceRange",
]);

/** Start plus minutes; the start as it is where it is no complete date. */
export const cgmTime = (session: CgmSession | null, minutes: number): DateTime => {
  const start = session?.start?.start ?? UNKNOWN;
  return plusMinutes(start, minutes) ?? start;
};

const offsetOf = (start: CgmSessionStart | null): number | null =>
  start === null || start.timeZoneMin === null || start.dstMin === null ? null : start.timeZoneMin + start.dstMin;

const recordOf = (record: CgmRecord, session: CgmSession | null): Measurement => {
  const { glucose, trendMgDlPerMin, qualityPercent, timeOffsetMin } = record;
  const type = session?.type ?? INTERSTITIAL;
  const location = session?.sampleLocation ?? null;
  const flags = cgmFlags(record);
  const quality: Quality[] = [];
  if (record.reservedFlags !== 0 || flags.some((flag) => DOUBTFUL.has(flag))) quality.push("questionable");
  if (flags.some((flag) => CALIBRATING.has(flag))) quality.push("calibrating");
  if (isControl(type, location)) quality.push("test-data");

  const values: ReadingValue[] = [measured(glucoseCodeOf(type, location), glucose, "mg/dL")];
  if (trendMgDlPerMin !== null) values.push(measured(TREND, trendMgDlPerMin, "mg/dL/min"));
  return {
    kind: "continuous-glucose",
    status: "final",
    values,
    supplemental: [],
    context: {
      timeOffsetMin,
      ...locationOf(location),
      ...(qualityPercent?.tag === "number" ? { qualityPercent: qualityPercent.value } : {}),
      ...(record.statusOctet === null ? {} : { status: record.statusOctet }),
      ...(record.calTempOctet === null ? {} : { calibrationStatus: record.calTempOctet }),
      ...(record.warningOctet === null ? {} : { warnings: record.warningOctet }),
      ...(session === null || session.runTimeH === null ? {} : { sessionRunTimeH: session.runTimeH }),
    },
    flags: flags.map(kebab),
    quality,
    time: cgmTime(session, timeOffsetMin),
    offsetMin: offsetOf(session?.start ?? null),
    deviceSequence: timeOffsetMin,
  };
};

/** Each record is a reading: minutes after the start of the session, in the zone in which that was set. */
export const continuousGlucose = ({ records, session }: CgmReport): readonly Measurement[] =>
  records.map((record) => recordOf(record, session));
