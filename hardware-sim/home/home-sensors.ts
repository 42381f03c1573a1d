import type { Air } from "../radio/air.ts";
import { createBathroomScale, createCuff, createHomeThermometer } from "./ble-sensors.ts";
import { createGlucoseMeterOnAir, createGlucoseMeterOnCable } from "./glucose-sensors.ts";
import type { HomeSensor, SensorSurroundings } from "./home-sensor.ts";
import { createBodyScale, createOximeter, createSpotOximeter, createWeighingScale } from "./serial-sensors.ts";
import type { SensorName } from "./truth.ts";

type Create = (surroundings: SensorSurroundings, air: Air) => HomeSensor | Promise<HomeSensor>;

const CREATE: Readonly<Record<SensorName, Create>> = {
  scale: createWeighingScale,
  cuff: createCuff,
  oximeter: createOximeter,
  thermometer: createHomeThermometer,
  "spot-oximeter": createSpotOximeter,
  "bathroom-scale": createBathroomScale,
  "body-scale": createBodyScale,
  "glucose-meter": createGlucoseMeterOnAir,
  "glucose-meter-cable": createGlucoseMeterOnCable,
};

/**
 * The sensors of the simulated home, or those of them that are `wanted`: one of each catalogue model, so that a reading's
 * model tells its sensor.
 */
export const createHomeSensors = async (
  surroundings: SensorSurroundings,
  air: Air,
  wanted: readonly SensorName[] = Object.keys(CREATE),
): Promise<HomeSensor[]> => {
  await using stack = new AsyncDisposableStack();
  const sensors: HomeSensor[] = [];
  for (const [name, create] of Object.entries(CREATE)) {
    if (wanted.includes(name)) sensors.push(stack.use(await create(surroundings, air)));
  }
  stack.move();
  return sensors;
};
