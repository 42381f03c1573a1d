import { createAbbottOptium } from "../../hardware-sim/serial/abbott-optium.ts";
import { createContourMeter } from "../../hardware-sim/serial/contour-meter.ts";
import { createLifescanUltraEasy } from "../../hardware-sim/serial/lifescan-ultra-easy.ts";
import { createLifescanUltra2 } from "../../hardware-sim/serial/lifescan-ultra2.ts";
import { createLifescanVerio } from "../../hardware-sim/serial/lifescan-verio.ts";
import type { SerialMeter, SerialMeterOptions } from "../../hardware-sim/serial/serial-meter.ts";
import { createTaidocMeter } from "../../hardware-sim/serial/taidoc-meter.ts";
import { createVisomatCuff } from "../../hardware-sim/serial/visomat-cuff.ts";

/** A simulated meter, and how it takes a test of a first value. */
export interface PlayedMeter {
  readonly meter: SerialMeter;
  measure(value: number): void;
}

/** The meter of every driver that asks one, by the driver's id. */
export const PLAYED_METERS: Readonly<Record<string, (options: SerialMeterOptions) => PlayedMeter>> = {
  "lifescan-ultra2": (options) => {
    const meter = createLifescanUltra2(options);
    return { meter, measure: (mgPerDl) => meter.measure({ mgPerDl }) };
  },
  "lifescan-ultra-easy": (options) => {
    const meter = createLifescanUltraEasy(options);
    return { meter, measure: (mgPerDl) => meter.measure({ mgPerDl }) };
  },
  "lifescan-verio": (options) => {
    const meter = createLifescanVerio(options);
    return { meter, measure: (mgPerDl) => meter.measure({ mgPerDl }) };
  },
  "taidoc-glucose": (options) => {
    const meter = createTaidocMeter({ ...options, model: "4277" });
    return { meter, measure: (mgPerDl) => meter.measure({ tag: "glucose", test: { mgPerDl } }) };
  },
  "taidoc-pressure": (options) => {
    const meter = createTaidocMeter({ ...options, model: "3128" });
    const pressure = { diastolic: 80, pulse: 66 };
    return {
      meter,
      measure: (systolic) => meter.measure({ tag: "blood-pressure", pressure: { ...pressure, systolic } }),
    };
  },
  "ascensia-contour": (options) => {
    const meter = createContourMeter(options);
    return { meter, measure: (mgPerDl) => meter.measure({ mgPerDl }) };
  },
  visomat: (options) => {
    const meter = createVisomatCuff(options);
    return { meter, measure: (systolic) => meter.measure({ user: 1, systolic, diastolic: 80, pulse: 66 }) };
  },
  "abbott-optium": (options) => {
    const meter = createAbbottOptium({ ...options, missesFirst: true });
    return { meter, measure: (mgPerDl) => meter.measure({ tag: "glucose", mgPerDl }) };
  },
};
