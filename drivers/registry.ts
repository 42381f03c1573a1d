import { type DriverId, driverId } from "../protocol/ids.ts";
import type { SensorDriver } from "./driver.ts";
import { createBloodPressureDriver } from "./gatt/blood-pressure.ts";
import { createBodyCompositionDriver } from "./gatt/body-composition.ts";
import { createContinuousGlucoseDriver } from "./gatt/continuous-glucose.ts";
import { createGlucoseDriver } from "./gatt/glucose.ts";
import { createHeartRateDriver } from "./gatt/heart-rate.ts";
import { createOximeterStreamDriver, createPulseOximeterDriver } from "./gatt/pulse-oximeter.ts";
import { createThermometerDriver } from "./gatt/thermometer.ts";
import { createVitalographBleDriver } from "./gatt/vitalograph.ts";
import { createWeightScaleDriver } from "./gatt/weight-scale.ts";
import { createAbbottOptiumDriver } from "./serial/abbott-optium.ts";
import { createAndScaleDriver } from "./serial/and-scale.ts";
import { createContecStreamDriver } from "./serial/contec-stream.ts";
import { createContourDriver } from "./serial/contour.ts";
import { createLifescanUltraEasyDriver } from "./serial/lifescan-ultra-easy.ts";
import { createLifescanUltra2Driver } from "./serial/lifescan-ultra2.ts";
import { createLifescanVerioDriver } from "./serial/lifescan-verio.ts";
import { createNoninSecondStreamDriver } from "./serial/nonin-second-stream.ts";
import { createNoninSpotDriver } from "./serial/nonin-spot.ts";
import { createNoninStreamDriver } from "./serial/nonin-stream.ts";
import { createTaidocGlucoseDriver, createTaidocPressureDriver } from "./serial/taidoc.ts";
import { createTanitaScaleDriver } from "./serial/tanita-scale.ts";
import { createVisomatDriver } from "./serial/visomat.ts";
import { createVitalographSerialDriver } from "./serial/vitalograph.ts";

/** Whoever holds a driver need not know its records: what `decode` gave goes into `normalise` of the same driver. */
const factories: ReadonlyMap<string, () => SensorDriver<unknown>> = new Map<string, () => SensorDriver<unknown>>([
  ["gatt-blood-pressure", createBloodPressureDriver],
  ["gatt-weight-scale", createWeightScaleDriver],
  ["gatt-thermometer", createThermometerDriver],
  ["gatt-body-composition", createBodyCompositionDriver],
  ["gatt-pulse-oximeter", createPulseOximeterDriver],
  ["gatt-pulse-oximeter-stream", createOximeterStreamDriver],
  ["gatt-glucose", createGlucoseDriver],
  ["gatt-continuous-glucose", createContinuousGlucoseDriver],
  ["gatt-heart-rate", createHeartRateDriver],
  ["nonin-2", createNoninStreamDriver],
  ["nonin-8", createNoninSecondStreamDriver],
  ["nonin-13", createNoninSpotDriver],
  ["and-scale", createAndScaleDriver],
  ["tanita-scale", createTanitaScaleDriver],
  ["lifescan-ultra2", createLifescanUltra2Driver],
  ["lifescan-ultra-easy", createLifescanUltraEasyDriver],
  ["lifescan-verio", createLifescanVerioDriver],
  ["taidoc-glucose", createTaidocGlucoseDriver],
  ["taidoc-pressure", createTaidocPressureDriver],
  ["ascensia-contour", createContourDriver],
  ["visomat", createVisomatDriver],
  ["abbott-optium", createAbbottOptiumDriver],
  ["contec-cms50", createContecStreamDriver],
  ["vitalograph-lung-monitor", createVitalographSerialDriver],
  ["gatt-vitalograph-lung-monitor", createVitalographBleDriver],
]);

/** Every driver of this hub, as catalogue entries name them. */
export const driverIds: readonly DriverId[] = [...factories.keys()].map(driverId);

/** A driver by its id; a new one at each call. It can serve any number of sensors, also at once. */
export const driverOf = (id: string): SensorDriver<unknown> | undefined => factories.get(id)?.();
