import { decodeBattery } from "../battery.ts";
import {
  type BloodPressureRecord,
  type BloodPressureStatus,
  decodeBloodPressure,
  isImplausiblePulse,
  isSuspectLayout,
} from "../blood-pressure.ts";
import { localOf } from "../date-time.ts";
import type { MedicalFloat } from "../float.ts";
import { decodeHeartRate } from "../heart-rate.ts";
import {
  decodeOximetryContinuous,
  decodeOximetrySpot,
  type OximetryContinuousRecord,
  type OximetrySpotRecord,
  plxDeviceFlags,
  plxMeasurementFlags,
} from "../oximetry.ts";
import { decodeTemperature, decodeTemperatureType, type TemperatureRecord } from "../temperature.ts";
import { type DecodedView, floatFields, given, leftOver, numberOf, shown, timeField, userField } from "./view.ts";

/** The mantissa that a biased exponent was put on: what the sensor's maker must have meant. */
const mantissaOf = (float: MedicalFloat): string =>
  float.tag === "number" ? String(Math.round(float.value * 10 ** float.decimals)) : float.special;

/** Numbers that decode by the standard and are nonsense: shown to a technician with the reason, never published. */
const trap = (floats: readonly MedicalFloat[], unit: string, record: DecodedView): DecodedView => {
  const meant = floats.map(mantissaOf);
  const read = floats.map((float, at) => (float.tag === "number" ? `${meant[at]}e-${float.decimals}` : float.special));
  return {
    outcome: "trap",
    mustNotPublish: true,
    why: `source claims ${meant.join("/")} but uses a non-standard +8 exponent bias; IEEE 11073 decode is ${read.join("/")} ${unit}`,
    decoded: record,
  };
};

const bloodPressureFlags = (status: BloodPressureStatus): string[] => {
  const flags: string[] = [];
  if (status.bodyMovement) flags.push("bodyMovement");
  if (status.cuffTooLoose) flags.push("cuffTooLoose");
  if (status.irregularPulse) flags.push("irregularPulse");
  if (status.improperPosition) flags.push("improperPosition");
  return flags;
};

const statusFields = (status: BloodPressureStatus | null): DecodedView =>
  status === null
    ? {}
    : {
        status: status.raw,
        statusFlags: bloodPressureFlags(status),
        pulseRange: status.pulseRange,
        ...(status.reserved === 0 ? {} : { reservedStatus: status.reserved }),
      };

const pressures = (record: BloodPressureRecord): Record<string, MedicalFloat | null> => ({
  systolic: record.systolic,
  diastolic: record.diastolic,
  map: record.map,
});

const bloodPressureView = (record: BloodPressureRecord): DecodedView => ({
  ...floatFields({ ...pressures(record), pulse: record.pulse }),
  unit: record.unit,
  ...timeField("time", record.time),
  ...userField(record.userId),
  ...statusFields(record.status),
  ...(isImplausiblePulse(record.pulse) ? { pulseImplausible: true } : {}),
  ...leftOver(record),
});

/** Pulse, user and status of a sensor that is suspected of another layout are left out: they are misread bytes. */
const strictView = (record: BloodPressureRecord): DecodedView => ({
  ...floatFields(pressures(record)),
  unit: record.unit,
  ...timeField("time", record.time),
  pulseImplausible: true,
  ...leftOver(record),
});

/**
 * The big-endian reading of a payload that the specification reads with an absurd pulse, a reserved flag or a byte left
 * over; null where the other layout explains it no better.
 */
const bigEndianReading = (bytes: Uint8Array, strict: BloodPressureRecord): BloodPressureRecord | null => {
  if (!isSuspectLayout(strict) || strict.userId !== null || strict.trailing !== 1) return null;
  const other = decodeBloodPressure(bytes, "big-endian-tail");
  const explains =
    other.tag === "ok" &&
    other.record.trailing === 0 &&
    other.record.pulse?.tag === "number" &&
    !isImplausiblePulse(other.record.pulse);
  return explains ? other.record : null;
};

const bloodPressure = shown(decodeBloodPressure, (record, bytes) => {
  if (record.biasedExponent) {
    return trap([record.systolic, record.diastolic, record.map], record.unit, bloodPressureView(record));
  }
  const quirk = bigEndianReading(bytes, record);
  if (quirk === null) return isSuspectLayout(record) ? strictView(record) : bloodPressureView(record);
  return {
    outcome: "quirk",
    strict: strictView(record),
    quirk: {
      profile: "pulse+status big-endian, userId always present",
      ...floatFields({ ...pressures(quirk), pulse: quirk.pulse }),
      unit: quirk.unit,
      userId: quirk.userId,
      ...statusFields(quirk.status),
      local: quirk.time === null ? null : localOf(quirk.time),
    },
  };
});

const temperatureView = (record: TemperatureRecord): DecodedView => ({
  temperature: numberOf(record.temperature),
  ...(record.temperature.tag === "number"
    ? { decimals: record.temperature.decimals }
    : { special: record.temperature.special }),
  unit: record.unit,
  ...timeField("time", record.time),
  ...(record.type === null ? {} : { type: record.type.raw, site: record.type.site }),
  ...leftOver(record),
});

const temperature = shown(decodeTemperature, (record) =>
  record.biasedExponent
    ? {
        outcome: "trap",
        mustNotPublish: true,
        why: `IEEE 11073 decode is ${String(numberOf(record.temperature))} ${record.unit}, which no body reaches: the exponent has a non-standard bias`,
        decoded: temperatureView(record),
      }
    : temperatureView(record),
);

const plxFields = (record: OximetrySpotRecord | OximetryContinuousRecord): DecodedView => ({
  ...given("measurementStatus", record.measurementStatus),
  ...(record.measurementStatus === null ? {} : { measurementFlags: plxMeasurementFlags(record.measurementStatus) }),
  ...given("deviceStatus", record.deviceStatus),
  ...(record.deviceStatus === null ? {} : { deviceFlags: plxDeviceFlags(record.deviceStatus) }),
  ...leftOver(record),
});

const oximetrySpot = shown(decodeOximetrySpot, (record) => {
  const view = {
    ...floatFields({ spo2: record.spo2, pulse: record.pulse, pulseAmplitudeIndex: record.pulseAmplitudeIndex }),
    ...timeField("time", record.time),
    ...plxFields(record),
    deviceClockNotSet: record.deviceClockNotSet,
  };
  return record.biasedExponent ? trap([record.spo2, record.pulse], "% and /min", view) : view;
});

const oximetryContinuous = shown(decodeOximetryContinuous, (record) => {
  const view = {
    ...floatFields({
      spo2: record.spo2,
      pulse: record.pulse,
      spo2Fast: record.fast?.spo2 ?? null,
      pulseFast: record.fast?.pulse ?? null,
      spo2Slow: record.slow?.spo2 ?? null,
      pulseSlow: record.slow?.pulse ?? null,
      pulseAmplitudeIndex: record.pulseAmplitudeIndex,
    }),
    ...plxFields(record),
  };
  return record.biasedExponent ? trap([record.spo2, record.pulse], "% and /min", view) : view;
});

const heartRate = shown(decodeHeartRate, (record) => ({
  heartRate: record.heartRate,
  contact: record.contact,
  ...given("energyKJ", record.energyKJ),
  ...(record.rr1024 === null
    ? {}
    : { rr1024: record.rr1024, rrMs: record.rr1024.map((interval) => (interval * 1000) / 1024) }),
  ...leftOver(record),
}));

export const vitalSignViews = {
  "ble.2a35": bloodPressure,
  "ble.2a36": bloodPressure,
  "ble.2a1c": temperature,
  "ble.2a1e": temperature,
  "ble.2a1d": shown(decodeTemperatureType, (type) => ({ type: type.raw, site: type.site })),
  "ble.2a5e": oximetrySpot,
  "ble.2a5f": oximetryContinuous,
  "ble.2a37": heartRate,
  "ble.2a19": shown(decodeBattery, (record) => ({ batteryPercent: record.percent })),
} as const;
