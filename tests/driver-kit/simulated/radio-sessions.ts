import { createBloodPressureCuff } from "../../../hardware-sim/gatt/blood-pressure-cuff.ts";
import { createBodyCompositionScale } from "../../../hardware-sim/gatt/body-composition-scale.ts";
import { createCgmSensor } from "../../../hardware-sim/gatt/cgm-sensor.ts";
import { createGlucoseMeter } from "../../../hardware-sim/gatt/glucose-meter.ts";
import { createHeartRateBelt } from "../../../hardware-sim/gatt/heart-rate-belt.ts";
import { createBleLungMonitor } from "../../../hardware-sim/gatt/lung-monitor.ts";
import { createPulseOximeter } from "../../../hardware-sim/gatt/pulse-oximeter.ts";
import type { SensorOptions } from "../../../hardware-sim/gatt/sensor-options.ts";
import { createThermometer } from "../../../hardware-sim/gatt/thermometer.ts";
import { createWeightScale } from "../../../hardware-sim/gatt/weight-scale.ts";
import { millis } from "../../../protocol/time.ts";
import { type SimulatedSession, wait } from "./simulated-session.ts";

export interface RadioSession extends SimulatedSession {
  /** Advertised service, and the driver that reads it. */
  readonly service: string;
  readonly driver: string;
  /** Names the sensor in the capture: a model of the catalogue, or the driver where no model is meant. */
  readonly model: string | null;
  /** Makes the sensor; resolves when it has done all that it does. */
  play(options: SensorOptions): Promise<AsyncDisposable>;
}

const decimal = (value: number, decimals: number) => ({ value, decimals });

/** Calls `stream` every `every` ms while the sensor is connected, for nine seconds. */
const streamed = async (
  sensor: { readonly state: string },
  every: number,
  stream: (count: number) => void,
): Promise<void> => {
  for (let count = 0; count * every < 9000; count++) {
    await wait(every);
    if (sensor.state === "connected") stream(count);
  }
};

const common = { integrity: "none", seconds: 25 } as const;

export const radioSessions: readonly RadioSession[] = [
  {
    ...common,
    name: "and-ua-651ble-clock-behind",
    about:
      "Two measurements of a cuff whose clock is 95 s behind; the hub reads the clock, sets it and corrects the times",
    service: "1810",
    driver: "gatt-blood-pressure",
    model: "and-ua-651ble",
    play: async (options) => {
      const clock = { tag: "offset", by: millis(-95_000) } as const;
      const cuff = createBloodPressureCuff({ ...options, clock, clockSetting: "date-time" });
      const first = { systolic: 141, diastolic: 88, meanArterial: 105, pulse: 71 };
      cuff.measure({ ...first, status: { irregularPulse: true } });
      await wait(300);
      cuff.measure({ systolic: 138, diastolic: 86, meanArterial: 103, pulse: 70, status: {} });
      return cuff;
    },
  },
  {
    ...common,
    name: "and-uc-352ble",
    about: "One weighing with a user number; the scale has Current Time",
    service: "181d",
    driver: "gatt-weight-scale",
    model: "and-uc-352ble",
    play: async (options) => {
      const scale = createWeightScale(options);
      scale.measure({ weight: 72.35, user: 1 });
      return scale;
    },
  },
  {
    ...common,
    name: "and-ut-201ble-a",
    about: "One temperature; the site (ear) comes from Temperature Type",
    service: "1809",
    driver: "gatt-thermometer",
    model: "and-ut-201ble-a",
    play: async (options) => {
      const thermometer = createThermometer(options);
      thermometer.measure({ temperature: decimal(37.2, 1) });
      return thermometer;
    },
  },
  {
    ...common,
    name: "gatt-body-composition-split",
    about: "One measurement that comes in two indications",
    service: "181b",
    driver: "gatt-body-composition",
    model: null,
    play: async (options) => {
      const scale = createBodyCompositionScale(options);
      const masses = { fatFreeMass: 65, softLeanMass: 61.8, waterMass: 46.4, weight: 82.7 };
      const rest = { user: 1, musclePercent: 44.1, basalMetabolismKj: 7112, impedanceOhm: 501.2, height: 1.78 };
      scale.measure({ fatPercent: 21.4, ...masses, ...rest });
      return scale;
    },
  },
  {
    ...common,
    name: "gatt-pulse-oximeter-spot",
    about: "Two spot checks, and the memory read through the record access control point",
    service: "1822",
    driver: "gatt-pulse-oximeter",
    model: null,
    play: async (options) => {
      const oximeter = createPulseOximeter(options);
      oximeter.measure({ spo2: 96, pulse: 72, pulseAmplitudeIndex: decimal(8.7, 1) });
      await wait(100);
      oximeter.measure({ spo2: 95, pulse: 74 });
      return oximeter;
    },
  },
  {
    ...common,
    name: "gatt-pulse-oximeter-stream",
    about: "Some seconds of a continuous measurement",
    seconds: 16,
    service: "1822",
    driver: "gatt-pulse-oximeter-stream",
    model: null,
    play: async (options) => {
      const oximeter = createPulseOximeter(options);
      oximeter.wake();
      await streamed(oximeter, 500, (count) => oximeter.stream({ spo2: 95 + (count % 2), pulse: 70 + (count % 3) }));
      return oximeter;
    },
  },
  {
    ...common,
    name: "gatt-glucose-memory",
    about:
      "First read-out of a meter whose clock is 61 s ahead: a plain result, one with a meal context in mmol/L, one above the range",
    service: "1808",
    driver: "gatt-glucose",
    model: null,
    play: async (options) => {
      const meter = createGlucoseMeter({ ...options, clock: { tag: "offset", by: millis(61_000) }, faults: {} });
      const blood = { unit: "kg/L", type: "capillary-whole-blood", location: "finger" } as const;
      meter.measure({ concentration: { ...blood, value: decimal(0.00105, 5) }, status: [] });
      meter.measure({
        concentration: { value: decimal(0.0062, 4), unit: "mol/L", type: "capillary-plasma", location: "finger" },
        status: [],
        context: { meal: "before", carbohydrate: { of: "breakfast", kilograms: decimal(0.045, 3) } },
      });
      meter.measure({ concentration: { ...blood, value: "+inf" }, status: [] });
      return meter;
    },
  },
  {
    ...common,
    name: "gatt-continuous-glucose",
    about: "A record from memory and a live one, both with E2E-CRC",
    seconds: 18,
    service: "181f",
    driver: "gatt-continuous-glucose",
    model: null,
    play: async (options) => {
      const sensor = createCgmSensor({ ...options, faults: {} });
      sensor.measure({ glucose: 105, trend: decimal(0.5, 1), quality: 90 });
      sensor.wake();
      await wait(8000);
      sensor.measure({ glucose: 108, trend: decimal(-0.3, 1) });
      return sensor;
    },
  },
  {
    ...common,
    name: "gatt-heart-rate-belt",
    about: "Some seconds of a belt with RR intervals",
    seconds: 18,
    service: "180d",
    driver: "gatt-heart-rate",
    model: null,
    play: async (options) => {
      const belt = createHeartRateBelt(options);
      belt.wear();
      await streamed(belt, 1000, (count) =>
        belt.measure({ rate: 66 + (count % 4), contact: true, rr1024: [930, 920 + 10 * count] }),
      );
      belt.takeOff();
      return belt;
    },
  },
  {
    ...common,
    name: "vitalograph-lung-monitor-ble",
    about: "One blow of a monitor with layout G over Terminal I/O",
    seconds: 20,
    service: "fefb",
    driver: "gatt-vitalograph-lung-monitor",
    model: "vitalograph-lung-monitor-ble",
    play: async (options) => {
      const monitor = createBleLungMonitor(options);
      monitor.switchOn();
      await wait(6000);
      monitor.blow({ pef: 420, fev075: 210, fev1: 250, fev6: 310, fef2575: 200 });
      await wait(5000);
      monitor.switchOff();
      return { [Symbol.asyncDispose]: () => monitor.close() };
    },
  },
];
