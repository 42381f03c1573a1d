import { octets } from "../radio/little-endian.ts";
import { readable } from "./device-services.ts";
import type { SensorOptions } from "./sensor-options.ts";
import { createStoredMeasurementSensor, type SimulatedSensor } from "./stored-measurement-sensor.ts";
import { siteOctet, type TemperatureValues, temperatureMeasurement } from "./temperature.ts";

export type Thermometer = SimulatedSensor<TemperatureValues>;

/** An ear thermometer with the Health Thermometer Service 1809. */
export const createThermometer = (options: SensorOptions): Thermometer =>
  createStoredMeasurementSensor(
    {
      service: "1809",
      measurement: "2a1c",
      characteristics: [readable("2a1d", () => octets(siteOctet("ear")))],
      encode: temperatureMeasurement,
    },
    options,
  );
