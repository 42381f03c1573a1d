import { millis } from "../../protocol/time.ts";
import { localMsIn } from "../gatt/device-clock.ts";
import { createGlucoseMeter } from "../gatt/glucose-meter.ts";
import type { Air } from "../radio/air.ts";
import { createLifescanUltra2 } from "../serial/lifescan-ultra2.ts";
import { bleSensor, value } from "./ble-sensors.ts";
import type { HomeSensor, SensorSurroundings } from "./home-sensor.ts";
import { lineOf, shownOf, truthOf } from "./serial-sensors.ts";

/** mg/dL in kg/L: 1 mg/dL is 1e-5 kg/L. */
const KG_PER_L_DECIMALS = 5;

export const createGlucoseMeterOnAir = (home: SensorSurroundings, air: Air): HomeSensor =>
  bleSensor(home, air, {
    name: "glucose-meter",
    title: "Bluetooth glucose meter",
    model: "ascensia-contour-next-one",
    address: "c0:26:da:00:00:04",
    identity: {
      manufacturer: "Ascensia Diabetes Care",
      model: "Contour7830",
      serial: "7830H4070114",
      firmware: "1.14",
      systemId: "c026dafffe000004",
    },
    create: createGlucoseMeter,
    measure: (patient) => {
      const mgPerDl = patient.glucose();
      const concentration = {
        value: { value: mgPerDl / 10 ** KG_PER_L_DECIMALS, decimals: KG_PER_L_DECIMALS },
        unit: "kg/L" as const,
        type: "capillary-whole-blood" as const,
        location: "finger" as const,
      };
      return {
        stored: { concentration, context: { meal: "before" as const } },
        truth: [value("glucose.type.1", mgPerDl, 0, "mg/dL")],
      };
    },
  });

/** A meter that keeps what it told, and tells it whenever it is asked: what the hub missed it asks for again. */
export const createGlucoseMeterOnCable = async (home: SensorSurroundings): Promise<HomeSensor> => {
  const name = "glucose-meter-cable";
  // The meter exists only after its line, and gets bytes only after that.
  const hold: { receive: (bytes: Uint8Array) => void } = { receive: () => undefined };
  const line = await lineOf(name, home, (bytes) => hold.receive(bytes));
  const meter = createLifescanUltra2({
    clock: home.clock,
    localTime: () => localMsIn(home.zone, home.clock.now()),
    clockError: millis(home.trouble(name).clockErrorMs ?? 0),
    line: () => line,
    quantity: "glucose.type.2",
  });
  hold.receive = meter.receive;
  return {
    name,
    title: "glucose meter on a cable",
    model: "lifescan-onetouch-ultra2",
    place: { serial: { path: line.path } },
    use: (patient) => {
      const measurement = meter.measure({ mgPerDl: patient.glucose(), meal: "after" });
      home.taken(name, measurement.number, shownOf(measurement.values));
    },
    worn: false,
    leave: () => undefined,
    get idle() {
      return meter.measurements.every((one) => one.delivery !== "waiting");
    },
    truths: () => meter.measurements.map((one) => truthOf(name, one, true)),
    stream: () => null,
    get shown() {
      const last = meter.measurements.at(-1);
      return last === undefined ? "" : shownOf(last.values);
    },
    line,
    pairing: null,
    [Symbol.asyncDispose]: async () => {
      await meter[Symbol.asyncDispose]();
      await line[Symbol.asyncDispose]();
    },
  };
};
