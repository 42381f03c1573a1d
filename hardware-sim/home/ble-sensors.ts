import type { EpochMs, Millis } from "../../protocol/time.ts";
import { millis } from "../../protocol/time.ts";
import { createBloodPressureCuff } from "../gatt/blood-pressure-cuff.ts";
import type { Measured } from "../gatt/measurement-memory.ts";
import type { StoredRecord } from "../gatt/record-memory.ts";
import type { SensorOptions } from "../gatt/sensor-options.ts";
import type { SimulatedSensor } from "../gatt/stored-measurement-sensor.ts";
import { createThermometer } from "../gatt/thermometer.ts";
import { createWeightScale } from "../gatt/weight-scale.ts";
import { radioAddress } from "../radio/address.ts";
import type { Air } from "../radio/air.ts";
import { createSmpResponder } from "../radio/smp/smp-responder.ts";
import type { TrueValue } from "../serial/measurement.ts";
import type { HomeSensor, SensorSurroundings } from "./home-sensor.ts";
import type { Patient } from "./patient.ts";
import { shownOf } from "./serial-sensors.ts";
import type { Truth } from "./truth.ts";

interface About<V> extends Pick<HomeSensor, "name" | "title" | "model"> {
  readonly address: string;
  /** Shows a new address each time that it advertises. */
  readonly isPrivate?: boolean;
  readonly identity: SensorOptions["identity"];
  readonly create: (options: SensorOptions) => SimulatedSensor<V>;
  /** What the sensor stores, and the same in the words of the code table, at the precision that the format carries. */
  readonly measure: (patient: Patient) => { readonly stored: V; readonly truth: readonly TrueValue[] };
}

/** All that goes out for it, in order: a record of a memory may have several parts. */
const rawOf = <V>(one: Measured<V>): string => {
  const { parts } = one as Partial<StoredRecord<V>>;
  return parts === undefined ? one.valueHex : parts.map(({ valueHex }) => valueHex).join("");
};

export const value = (quantity: string, number: number, decimals: number, unit: string): TrueValue => ({
  quantity,
  value: number,
  decimals,
  unit,
});

export const bleSensor = <V>(home: SensorSurroundings, air: Air, about: About<V>): HomeSensor => {
  const { name, title, model } = about;
  const trouble = home.trouble(name);
  /** The radio keeps wall-clock times; the account counts on the monotonic clock. */
  const wallAtZero = home.clock.now() - home.clock.elapsed();
  const elapsedAt = (at: EpochMs): Millis => millis(at - wallAtZero);
  const chance = home.chance.fork(`bond ${name}`);
  const address = radioAddress(about.address);
  const irk = about.isPrivate === true ? chance.bytes(16) : null;
  const sensor = about.create({
    air,
    address,
    ...(irk === null ? {} : { irk }),
    // As certified sensors do: values only over a bonded link, and one bond with a hub is enough.
    security: "encrypted",
    smp: createSmpResponder({
      clock: home.clock,
      chance,
      io: "no-input-no-output",
      secureConnections: irk !== null,
      mitm: false,
      refusesRepairing: true,
      ...(irk === null ? {} : { identity: { address, irk } }),
    }),
    identity: about.identity,
    zone: home.zone,
    clock: trouble.clockErrorMs === undefined ? { tag: "right" } : { tag: "offset", by: millis(trouble.clockErrorMs) },
    faults: {
      dropMidIndication: trouble.dropMidIndication ?? 0,
      duplicateIndication: trouble.duplicateIndication ?? 0,
    },
  });
  const truths: (readonly TrueValue[])[] = [];
  const truthOf = (one: Measured<V>): Truth => ({
    sensor: name,
    number: one.id,
    values: truths[one.id - 1] ?? [],
    raws: [rawOf(one)],
    measuredAt: elapsedAt(one.takenAt),
    lastByteAt: one.sentAt === null ? null : elapsedAt(one.sentAt),
    delivery: one.overwritten ? "unheard" : one.confirmedAt === null ? "waiting" : "sent",
    retains: true,
  });
  return {
    name,
    title,
    model,
    place: { ble: { address: about.address } },
    use: (patient) => {
      const { stored, truth } = about.measure(patient);
      truths.push(truth);
      home.taken(name, sensor.measure(stored).id, shownOf(truth));
    },
    worn: false,
    /** What nobody fetched is offered again: the patient presses the button. */
    leave: () => {
      if (sensor.waiting > 0 && sensor.state === "asleep") sensor.wake();
    },
    get idle() {
      return sensor.waiting === 0;
    },
    truths: () => sensor.truth.map(truthOf),
    stream: () => null,
    get shown() {
      return shownOf(truths.at(-1) ?? []);
    },
    line: null,
    pairing: { holdButton: () => sensor.wake() },
    [Symbol.asyncDispose]: () => sensor.close(),
  };
};

export const createCuff = (home: SensorSurroundings, air: Air): HomeSensor =>
  bleSensor(home, air, {
    name: "cuff",
    title: "blood pressure cuff",
    model: "and-ua-651ble",
    address: "c0:26:da:00:00:01",
    identity: {
      manufacturer: "A&D Medical",
      model: "UA-651BLE",
      serial: "5150100001",
      firmware: "BLP010_d007_008",
      systemId: "c026dafffe000001",
    },
    create: createBloodPressureCuff,
    measure: (patient) => {
      const { systolic, diastolic, mean, pulse } = patient.bloodPressure();
      return {
        stored: { systolic, diastolic, meanArterial: mean, pulse },
        truth: [
          value("blood-pressure.systolic", systolic, 0, "mm[Hg]"),
          value("blood-pressure.diastolic", diastolic, 0, "mm[Hg]"),
          value("blood-pressure.mean", mean, 0, "mm[Hg]"),
          value("pulse-rate.cuff", pulse, 0, "/min"),
        ],
      };
    },
  });

export const createBathroomScale = (home: SensorSurroundings, air: Air): HomeSensor =>
  bleSensor(home, air, {
    name: "bathroom-scale",
    title: "Bluetooth scale",
    model: "and-uc-352ble",
    address: "c0:26:da:00:00:02",
    isPrivate: true,
    identity: {
      manufacturer: "A&D Medical",
      model: "UC-352BLE",
      serial: "5160100002",
      firmware: "WSP006_d016_015",
      systemId: "c026dafffe000002",
    },
    create: createWeightScale,
    // The service counts in steps of 5 g (2A9D), which three decimals show.
    measure: (patient) => {
      const weight = patient.weightHundredths() / 100;
      return { stored: { weight }, truth: [value("body-weight", weight, 3, "kg")] };
    },
  });

export const createHomeThermometer = (home: SensorSurroundings, air: Air): HomeSensor =>
  bleSensor(home, air, {
    name: "thermometer",
    title: "thermometer",
    model: "and-ut-201ble-a",
    address: "c0:26:da:00:00:03",
    identity: {
      manufacturer: "A&D Medical",
      model: "UT201BLE",
      serial: "5170100003",
      firmware: "HTP008_134",
      systemId: "c026dafffe000003",
    },
    create: createThermometer,
    measure: (patient) => {
      const temperature = patient.temperatureTenths() / 10;
      return {
        stored: { temperature: { value: temperature, decimals: 1 }, site: "ear" as const },
        truth: [value("body-temperature.site.3", temperature, 1, "Cel")],
      };
    },
  });
