import { channelId, driverId } from "../../protocol/ids.ts";
import { decodeTemperature, decodeTemperatureType, type TemperatureRecord } from "../decode/temperature.ts";
import { type Decoded, malformed, type SensorDriver } from "../driver.ts";
import { bodyTemperature } from "../normalise/body-temperature.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";

export const THERMOMETER_VERSION = "1.0.0";

const TYPE = channelId("2a1d");

const decode = (frame: Uint8Array): Decoded<TemperatureRecord> => {
  const decoded = decodeTemperature(frame);
  if (decoded.tag === "ok" && decoded.record.biasedExponent) {
    return malformed("format", "temperature measurement: exponent is written with a bias, not as IEEE 11073 has it");
  }
  return decoded;
};

/**
 * Health Thermometer service 1809: the measurement (2A1C), with its site or, where that never changes, the site of the
 * sensor (2A1D). Intermediate temperatures (2A1E) are estimates on the way and are not subscribed.
 */
const profile = defineProfile<TemperatureRecord>({
  id: driverId("gatt-thermometer"),
  version: THERMOMETER_VERSION,
  name: "temperature measurement",
  measurements: [channelId("2a1c")],
  statics: [TYPE],
  decode,
  complete: (record, statics) => {
    const bytes = statics.get(TYPE);
    if (record.type !== null || bytes === undefined) return record;
    const type = decodeTemperatureType(bytes);
    return type.tag === "ok" ? { ...record, type: type.record } : record;
  },
  timeOf: (record) => record.time,
  measure: (record) => [bodyTemperature(record)],
});

export const createThermometerDriver = (): SensorDriver<TemperatureRecord> => createGattDriver(profile);
