import { toHex } from "../../protocol/bytes.ts";
import { channelId, driverId } from "../../protocol/ids.ts";
import { type CgmRecord, decodeCgmMeasurement } from "../decode/cgm.ts";
import { decodeCgmFeature, decodeCgmRunTime } from "../decode/cgm-feature.ts";
import { decodeCgmSessionStart } from "../decode/cgm-session.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { type CgmReport, type CgmSession, cgmTime, continuousGlucose } from "../normalise/continuous-glucose.ts";
import { alignCgmClock, FEATURE, RUN_TIME, SESSION_START } from "./cgm-clock.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { createSingleIntake } from "./intake.ts";
import { defineProfile } from "./plain-profile.ts";
import type { RecordEntry } from "./profile.ts";
import { markOf } from "./record-mark.ts";
import type { Statics } from "./statics.ts";

export const CONTINUOUS_GLUCOSE_VERSION = "1.0.0";

/** Session Start Time without its CRC. */
const START_LENGTH = 9;

const understood = <T>(bytes: Uint8Array | undefined, decode: (bytes: Uint8Array) => Decoded<T>): T | null => {
  if (bytes === undefined) return null;
  const decoded = decode(bytes);
  return decoded.tag === "ok" ? decoded.record : null;
};

const sessionOf = (statics: Statics): CgmSession => {
  const feature = understood(statics.get(FEATURE), decodeCgmFeature);
  return {
    start: understood(statics.get(SESSION_START), decodeCgmSessionStart),
    type: feature?.type ?? null,
    sampleLocation: feature?.sampleLocation ?? null,
    runTimeH: understood(statics.get(RUN_TIME), decodeCgmRunTime),
  };
};

const decode = (frame: Uint8Array, needsCrc: boolean): Decoded<CgmReport> => {
  const decoded = decodeCgmMeasurement(frame);
  if (decoded.tag === "malformed") return decoded;
  if (needsCrc && decoded.record.some(({ crcChecked }) => !crcChecked)) {
    return malformed("crc", "CGM measurement: has no E2E-CRC, which the sensor says it sends");
  }
  return { tag: "ok", record: { records: decoded.record, session: null } };
};

/** What a sensor never changes in a record; the minutes are its number. */
const entryOf = ({ timeOffsetMin, glucose }: CgmRecord): RecordEntry => ({
  sequence: timeOffsetMin,
  mark: markOf(timeOffsetMin, JSON.stringify(glucose)),
});

/**
 * Continuous Glucose Monitoring service 181F: a stream of records (2AA7), the memory of the sensor first, which is asked
 * for by minutes since the start of the session. The specific operations (2AAC) are not used: they start and stop
 * sessions, calibrate and set alarms, which is for those who treat the patient.
 */
const profile = defineProfile<CgmReport>({
  id: driverId("gatt-continuous-glucose"),
  version: CONTINUOUS_GLUCOSE_VERSION,
  stays: true,
  name: "CGM measurement",
  measurements: [channelId("2aa7")],
  alignClock: alignCgmClock,
  access: {
    entriesOf: ({ records }) => records.map(entryOf),
    runOf: (statics) => toHex((statics.get(SESSION_START) ?? new Uint8Array()).subarray(0, START_LENGTH)),
    endsSession: false,
  },
  decode: (frame) => decode(frame, false),
  createIntake: (_quirks, statics) => {
    const needsCrc = understood(statics.get(FEATURE), decodeCgmFeature)?.hasCrc ?? false;
    return createSingleIntake((frame) => decode(frame, needsCrc));
  },
  complete: (report, statics) => ({ ...report, session: sessionOf(statics) }),
  timeOf: ({ records, session }) => cgmTime(session, records[0]?.timeOffsetMin ?? 0),
  measure: continuousGlucose,
});

export const createContinuousGlucoseDriver = (): SensorDriver<CgmReport> => createGattDriver(profile);
