import { le16, octets } from "../radio/little-endian.ts";
import { type BloodPressureValues, bloodPressureMeasurement } from "./blood-pressure.ts";
import { readable } from "./device-services.ts";
import type { SensorOptions } from "./sensor-options.ts";
import { createStoredMeasurementSensor, type SimulatedSensor } from "./stored-measurement-sensor.ts";

/** Blood Pressure Feature 2A49: movement, cuff fit, irregular pulse, pulse range and position are detected. */
const FEATURES = 0x001f;

export type BloodPressureCuff = SimulatedSensor<BloodPressureValues>;

/** A cuff with the Blood Pressure Service 1810. */
export const createBloodPressureCuff = (options: SensorOptions): BloodPressureCuff =>
  createStoredMeasurementSensor(
    {
      service: "1810",
      measurement: "2a35",
      characteristics: [readable("2a49", () => octets(le16(FEATURES)))],
      encode: bloodPressureMeasurement,
    },
    options,
  );
