import { channelId, driverId } from "../../protocol/ids.ts";
import {
  decodeOximetryContinuous,
  decodeOximetrySpot,
  type OximetryContinuousRecord,
  type OximetrySpotRecord,
  plxDeviceFlags,
  plxMeasurementFlags,
} from "../decode/oximetry.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { plxContinuous, plxSpotCheck } from "../normalise/plx.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";
import { type AlignClock, alignClock, noClock } from "./sensor-clock.ts";
import { createStreamIntake, type Judged } from "./stream-intake.ts";

export const PULSE_OXIMETER_VERSION = "1.0.0";

const SPOT = channelId("2a5e");
const CONTINUOUS = channelId("2a5f");
const FEATURES = channelId("2a60");
/** "Timestamp for spot-check measurements is supported" (PLXS 1.0.1 section 3.3.1, bit 3). */
const STAMPS = 0x08;
/** Accuracy of oximeters: 2 digits of saturation, 3 of pulse (ISO 80601-2-61 demands no better). */
const AGREE_WITHIN = [2, 3];

const unbiased = <R extends { readonly biasedExponent: boolean }>(decoded: Decoded<R>): Decoded<R> =>
  decoded.tag === "ok" && decoded.record.biasedExponent
    ? malformed("format", "pulse oximetry: exponents are written with a bias, not as IEEE 11073 has it")
    : decoded;

/** The clock as every sensor has it, and whether stored checks are stamped by it. */
const alignWithFeatures: AlignClock = async (link, surroundings, signal) => {
  const { pairs } = await alignClock(link, surroundings, signal);
  const canRead = link.characteristics.some(
    ({ channel, properties }) => channel === FEATURES && properties.has("read"),
  );
  const features = canRead ? await link.read(FEATURES, signal).catch(() => null) : null;
  return { pairs, statics: features === null ? new Map() : new Map([[FEATURES, features]]) };
};

/**
 * Pulse Oximeter service 1822, spot checks (2A5E), those of its memory included. The memory knows no question but for
 * all of it (PLXS 1.0.1 section 3.4); what the region has already is known by its stamp, so the memory of an oximeter
 * without stamps is not asked: each answer would be taken for new checks.
 */
const spotProfile = defineProfile<OximetrySpotRecord>({
  id: driverId("gatt-pulse-oximeter"),
  version: PULSE_OXIMETER_VERSION,
  name: "spot-check measurement",
  measurements: [SPOT],
  alignClock: alignWithFeatures,
  access: {
    entriesOf: null,
    runOf: (statics) => {
      const [low] = statics.get(FEATURES) ?? [STAMPS];
      return ((low ?? 0) & STAMPS) === 0 ? null : "";
    },
    endsSession: false,
  },
  decode: (frame) => unbiased(decodeOximetrySpot(frame)),
  timeOf: (record) => record.time,
  measure: (record) => [plxSpotCheck(record)],
});

const decodeContinuous = (frame: Uint8Array): Decoded<OximetryContinuousRecord> =>
  unbiased(decodeOximetryContinuous(frame));

const judge = ({ spo2, pulse, measurementStatus, deviceStatus }: OximetryContinuousRecord): Judged => {
  const device = plxDeviceFlags(deviceStatus ?? 0);
  const status = plxMeasurementFlags(measurementStatus ?? 0);
  const isOff = device.includes("sensorUnconnectedToUser") || device.includes("sensorDisconnected");
  const isUsable = !status.includes("invalid") && !status.includes("unavailable");
  return !isOff && isUsable && spo2.tag === "number" && pulse.tag === "number"
    ? { tag: "valid", vitals: [spo2.value, pulse.value] }
    : { tag: "invalid", isOff };
};

/** Pulse Oximeter service 1822, continuous measurement (2A5F): a stream while the finger is in. */
const streamProfile = defineProfile<OximetryContinuousRecord>({
  id: driverId("gatt-pulse-oximeter-stream"),
  version: PULSE_OXIMETER_VERSION,
  stays: true,
  name: "continuous oximetry measurement",
  measurements: [CONTINUOUS],
  alignClock: noClock,
  decode: decodeContinuous,
  createIntake: () =>
    createStreamIntake({
      decode: decodeContinuous,
      judge,
      agreeWithin: AGREE_WITHIN,
      join: (_moments, last) => last,
      raw: "last",
    }),
  timeOf: () => null,
  measure: plxContinuous,
});

export const createPulseOximeterDriver = (): SensorDriver<OximetrySpotRecord> => createGattDriver(spotProfile);
export const createOximeterStreamDriver = (): SensorDriver<OximetryContinuousRecord> => createGattDriver(streamProfile);
