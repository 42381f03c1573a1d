import { le32, octets } from "../radio/little-endian.ts";
import { readable } from "./device-services.ts";
import type { SensorOptions } from "./sensor-options.ts";
import { createStoredMeasurementSensor, type SimulatedSensor } from "./stored-measurement-sensor.ts";
import { type WeightValues, weightMeasurement } from "./weight.ts";

/** Weight Scale Feature 2A9E: time stamp, several users, BMI; weight to 0.005 kg (7 << 3), height to 0.001 m (3 << 7). */
const FEATURES = 0x07 | (7 << 3) | (3 << 7);

export type WeightScale = SimulatedSensor<WeightValues>;

/** A scale with the Weight Scale Service 181D. */
export const createWeightScale = (options: SensorOptions): WeightScale =>
  createStoredMeasurementSensor(
    {
      service: "181d",
      measurement: "2a9d",
      characteristics: [readable("2a9e", () => octets(le32(FEATURES)))],
      encode: weightMeasurement,
    },
    options,
  );
