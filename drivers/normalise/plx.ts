import { codeOf } from "../../protocol/codes.ts";
import type { DraftReading, Quality, ReadingValue } from "../../protocol/reading.ts";
import type { MedicalFloat } from "../decode/float.ts";
import {
  type OximetryContinuousRecord,
  type OximetryPair,
  type OximetrySpotRecord,
  PLX_RESERVED,
  type PlxDeviceFlag,
  type PlxMeasurementFlag,
  plxDeviceFlags,
  plxMeasurementFlags,
} from "../decode/oximetry.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";
import { kebab } from "./words.ts";

const SPO2 = codeOf("spo2");
const PULSE = codeOf("pulse-rate.oximeter");
const AMPLITUDE = codeOf("plx.pulse-amplitude-index");
const SPOT = codeOf("spo2.modality.spot");
const FAST = codeOf("spo2.modality.fast");
const SLOW = codeOf("spo2.modality.slow");

/** Say how the display or the analysis is doing, not that the value is in doubt. */
const HARMLESS: ReadonlySet<PlxDeviceFlag> = new Set(["extendedDisplayUpdate", "signalAnalysisOngoing"]);

const statusOf = (flags: readonly PlxMeasurementFlag[]): DraftReading["status"] => {
  if (flags.includes("invalid")) return "entered-in-error";
  if (flags.includes("unavailable")) return "not-performed";
  return flags.includes("earlyEstimate") || flags.includes("measurementOngoing") ? "preliminary" : "final";
};

const qualityOf = (
  flags: readonly PlxMeasurementFlag[],
  device: readonly PlxDeviceFlag[],
  isDeviating: boolean,
): readonly Quality[] => {
  const quality: Quality[] = [];
  const isDoubtful = device.some((flag) => !HARMLESS.has(flag));
  if (flags.includes("questionable") || isDoubtful || isDeviating) quality.push("questionable");
  if (flags.includes("fromStorage")) quality.push("stored");
  if (flags.includes("demonstration") || flags.includes("testing")) quality.push("test-data");
  if (flags.includes("calibrationOngoing")) quality.push("calibrating");
  return quality;
};

interface Common {
  readonly measurementStatus: number | null;
  readonly deviceStatus: number | null;
  readonly pulseAmplitudeIndex: MedicalFloat | null;
  readonly reservedFlags: number;
  readonly trailing: number;
}

/** Says something that the specification has no word for. */
const isDeviating = ({ measurementStatus, deviceStatus, reservedFlags, trailing }: Common): boolean =>
  reservedFlags !== 0 ||
  trailing > 0 ||
  ((measurementStatus ?? 0) & PLX_RESERVED.measurement) !== 0 ||
  ((deviceStatus ?? 0) & PLX_RESERVED.device) !== 0;

/**
 * One pair under the statuses of its record (design protocol.md: invalid is an error, unavailable was not performed,
 * questionable, calibrating and test data are qualities, an early estimate is preliminary). What the device reports of
 * itself puts the value in doubt, and stands in the flags; it does not take the value away.
 */
const oximetry = (pair: OximetryPair, record: Common, supplemental: readonly number[]): Measurement => {
  const flags = plxMeasurementFlags(record.measurementStatus ?? 0);
  const device = plxDeviceFlags(record.deviceStatus ?? 0);
  const status = statusOf(flags);
  const absent = status === "entered-in-error" ? "error" : status === "not-performed" ? "unknown" : null;
  const values: ReadingValue[] =
    absent === null
      ? [measured(SPO2, pair.spo2, "%"), measured(PULSE, pair.pulse, "/min")]
      : [absentValue(SPO2, absent), absentValue(PULSE, absent)];
  if (record.pulseAmplitudeIndex !== null && absent === null) {
    values.push(measured(AMPLITUDE, record.pulseAmplitudeIndex, "%"));
  }
  return {
    kind: "pulse-oximetry",
    status,
    values,
    supplemental,
    context: {
      ...(record.measurementStatus === null ? {} : { status: record.measurementStatus }),
      ...(record.deviceStatus === null ? {} : { deviceStatus: record.deviceStatus }),
    },
    flags: device.map(kebab),
    quality: qualityOf(flags, device, isDeviating(record)),
    time: null,
  };
};

/** A spot check (0x2A5E). A stamp of a clock that was never set is still one: the session's pair puts it right. */
export const plxSpotCheck = (record: OximetrySpotRecord): Measurement => {
  const measurement = oximetry(record, record, [SPOT.mdc]);
  const flags = record.deviceClockNotSet ? [...measurement.flags, "clock-not-set"] : measurement.flags;
  return { ...measurement, flags, time: record.time };
};

/** A moment of a stream (0x2A5F): the normal average, and the fast and the slow one as readings of their modality. */
export const plxContinuous = (record: OximetryContinuousRecord): readonly Measurement[] => {
  const readings = [oximetry(record, record, [])];
  if (record.fast !== null) readings.push(oximetry(record.fast, record, [FAST.mdc]));
  if (record.slow !== null) readings.push(oximetry(record.slow, record, [SLOW.mdc]));
  return readings;
};
