import { le32, octets } from "../radio/little-endian.ts";
import { type BodyCompositionValues, bodyCompositionMeasurement } from "./body-composition.ts";
import { readable } from "./device-services.ts";
import type { SensorOptions } from "./sensor-options.ts";
import { createStoredMeasurementSensor, type SimulatedSensor } from "./stored-measurement-sensor.ts";

/**
 * Body Composition Feature 2A9B: every optional field (bits 0 to 10), mass to 0.005 kg (7 << 11), height to 0.001 m
 * (3 << 15).
 */
const FEATURES = 0x07ff | (7 << 11) | (3 << 15);

export type BodyCompositionScale = SimulatedSensor<BodyCompositionValues>;

/** A scale with the Body Composition Service 181B. A measurement that one indication does not hold takes two. */
export const createBodyCompositionScale = (options: SensorOptions): BodyCompositionScale =>
  createStoredMeasurementSensor(
    {
      service: "181b",
      measurement: "2a9c",
      characteristics: [readable("2a9b", () => octets(le32(FEATURES)))],
      encode: bodyCompositionMeasurement,
    },
    options,
  );
