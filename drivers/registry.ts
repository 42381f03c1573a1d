import { type DriverId, driverId } from "../protocol/ids.ts";
import type { SensorDriver } from "./driver.ts";
import { createBloodPressureDriver } from "./gatt/blood-pressure.ts";
import { createThermometerDriver } from "./gatt/thermometer.ts";
import { createWeightScaleDriver } from "./gatt/weight-scale.ts";
import { createAndScaleDriver } from "./serial/and-scale.ts";
import { createNoninSpotDriver } from "./serial/nonin-spot.ts";
import { createNoninStreamDriver } from "./serial/nonin-stream.ts";
import { createTanitaScaleDriver } from "./serial/tanita-scale.ts";

/** Whoever holds a driver need not know its records: what `decode` gave goes into `normalise` of the same driver. */
const factories: ReadonlyMap<string, () => SensorDriver<unknown>> = new Map<string, () => SensorDriver<unknown>>([
  ["gatt-blood-pressure", createBloodPressureDriver],
  ["gatt-weight-scale", createWeightScaleDriver],
  ["gatt-thermometer", createThermometerDriver],
  ["nonin-2", createNoninStreamDriver],
  ["nonin-13", createNoninSpotDriver],
  ["and-scale", createAndScaleDriver],
  ["tanita-scale", createTanitaScaleDriver],
]);

/** Every driver of this hub, as catalogue entries name them. */
export const driverIds: readonly DriverId[] = [...factories.keys()].map(driverId);

/** A driver by its id; a new one at each call. It can serve any number of sensors, also at once. */
export const driverOf = (id: string): SensorDriver<unknown> | undefined => factories.get(id)?.();
