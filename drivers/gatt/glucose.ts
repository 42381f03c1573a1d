import { driverId } from "../../protocol/ids.ts";
import { rawTextOf } from "../decode/date-time.ts";
import { decodeGlucose } from "../decode/glucose.ts";
import { malformed, type SensorDriver } from "../driver.ts";
import { type GlucoseResult, glucose, glucoseTime, isGlucoseOnClock } from "../normalise/glucose.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { CONTEXT, createGlucoseIntake, MEASUREMENT } from "./glucose-intake.ts";
import { defineProfile } from "./plain-profile.ts";
import type { RecordEntry } from "./profile.ts";
import { markOf } from "./record-mark.ts";

export const GLUCOSE_VERSION = "1.0.0";

/** Catalogue quirk: meal 6 of the context says that the value is ketone. */
export const CARESENS_KETONE = "caresens-ketone";

/** What a meter never changes in a record. Its offset and status are left out: they are of the clock and the meter. */
const entryOf = ({ measurement }: GlucoseResult): RecordEntry => {
  const { sequence, baseTime, concentration } = measurement;
  return { sequence, mark: markOf(sequence, rawTextOf(baseTime), JSON.stringify(concentration)) };
};

/**
 * Glucose service 1808: the memory of the meter, read through its control point, and nothing else: measurements (2A18)
 * with their contexts (2A34).
 */
const profile = defineProfile<GlucoseResult>({
  id: driverId("gatt-glucose"),
  version: GLUCOSE_VERSION,
  name: "glucose measurement",
  measurements: [MEASUREMENT, CONTEXT],
  access: { entriesOf: (record) => [entryOf(record)], runOf: () => "", endsSession: true },
  decode: (frame, channel, quirks) => {
    if (channel === CONTEXT) return malformed("unsupported", "glucose measurement context: belongs to its measurement");
    const decoded = decodeGlucose(frame);
    if (decoded.tag === "malformed") return decoded;
    const isContextVital = quirks.includes(CARESENS_KETONE) && decoded.record.contextFollows;
    return { tag: "ok", record: { measurement: decoded.record, context: null, isContextVital } };
  },
  createIntake: (quirks) => createGlucoseIntake(quirks.includes(CARESENS_KETONE)),
  timeOf: glucoseTime,
  isOnClock: isGlucoseOnClock,
  measure: (record) => [glucose(record)],
});

export const createGlucoseDriver = (): SensorDriver<GlucoseResult> => createGattDriver(profile);
