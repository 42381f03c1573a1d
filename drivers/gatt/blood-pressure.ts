import { channelId, driverId } from "../../protocol/ids.ts";
import { type BloodPressureRecord, decodeBloodPressure } from "../decode/blood-pressure.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { bloodPressure } from "../normalise/blood-pressure.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";

export const BLOOD_PRESSURE_VERSION = "1.0.0";

/** Catalogue quirk: pulse and status big-endian, the user byte always there, flagged or not. */
export const BEURER_BM85 = "beurer-bm85";

const FEATURE = channelId("2a49");

/** A measurement, and what its cuff says it can detect (Blood Pressure Feature, 0x2A49) where that was read. */
export interface CuffRecord extends BloodPressureRecord {
  readonly feature: number | null;
}

const decode = (frame: Uint8Array, quirks: readonly string[]): Decoded<CuffRecord> => {
  const layout = quirks.includes(BEURER_BM85) ? "big-endian-tail" : "specification";
  const decoded = decodeBloodPressure(frame, layout);
  if (decoded.tag === "malformed") return decoded;
  if (decoded.record.biasedExponent) {
    return malformed(
      "format",
      "blood pressure measurement: exponents are written with a bias, not as IEEE 11073 has it",
    );
  }
  return { tag: "ok", record: { ...decoded.record, feature: null } };
};

/**
 * Blood Pressure service 1810: the measurement (2A35) and the feature bits (2A49), which say whether a clear status bit
 * means "not so" or "cannot tell". Intermediate cuff pressure (2A36) is no measurement and is not subscribed.
 */
const profile = defineProfile<CuffRecord>({
  id: driverId("gatt-blood-pressure"),
  version: BLOOD_PRESSURE_VERSION,
  name: "blood pressure measurement",
  measurements: [channelId("2a35")],
  statics: [FEATURE],
  decode: (frame, _channel, quirks) => decode(frame, quirks),
  complete: (record, statics) => {
    const bytes = statics.get(FEATURE);
    const [low, high] = bytes ?? [];
    return low === undefined || high === undefined ? record : { ...record, feature: low | (high << 8) };
  },
  timeOf: (record) => record.time,
  measure: (record) => {
    const measurement = bloodPressure(record);
    const { feature } = record;
    return [feature === null ? measurement : { ...measurement, context: { ...measurement.context, feature } }];
  },
});

export const createBloodPressureDriver = (): SensorDriver<CuffRecord> => createGattDriver(profile);
