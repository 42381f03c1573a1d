import type { Air } from "../radio/air.ts";
import { createBathroomScale, createCuff, createHomeThermometer } from "./ble-sensors.ts";
import { createGlucoseMeterOnAir, createGlucoseMeterOnCable } from "./glucose-sensors.ts";
import type { HomeSensor, SensorSurroundings } from "./home-sensor.ts";
import { createBodyScale, createOximeter, createSpotOximeter, createWeighingScale } from "./serial-sensors.ts";

/** Every sensor of the simulated home, one of each catalogue model, so that a reading's model tells its sensor. */
export const createHomeSensors = async (surroundings: SensorSurroundings, air: Air): Promise<HomeSensor[]> => {
  await using stack = new AsyncDisposableStack();
  const sensors = [
    stack.use(await createWeighingScale(surroundings)),
    stack.use(createCuff(surroundings, air)),
    stack.use(await createOximeter(surroundings)),
    stack.use(createHomeThermometer(surroundings, air)),
    stack.use(await createSpotOximeter(surroundings)),
    stack.use(createBathroomScale(surroundings, air)),
    stack.use(await createBodyScale(surroundings)),
    stack.use(createGlucoseMeterOnAir(surroundings, air)),
    stack.use(await createGlucoseMeterOnCable(surroundings)),
  ];
  stack.move();
  return sensors;
};
