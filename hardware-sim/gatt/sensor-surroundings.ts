import type { Clock } from "../../protocol/ports/clock.ts";
import type { Chance } from "../radio/seeded.ts";
import { ATT_ERROR } from "./att-codes.ts";
import { type Bell, createBell } from "./bell.ts";
import { createDeviceClock, type DeviceClock } from "./device-clock.ts";
import type { GattFaults } from "./gatt-connection.ts";
import {
  NO_SENSOR_FAULTS,
  SENSOR_DEFAULTS,
  type SensorFaults,
  type SensorHappening,
  type SensorOptions,
} from "./sensor-options.ts";

/** What every simulated sensor has, whatever it measures. */
export interface SensorSurroundings {
  readonly clock: Clock;
  /** This sensor's own dice, from the air's seed. */
  readonly chance: Chance;
  /** Rings at every subscription and change of security, and whenever the sensor rings it. */
  readonly bell: Bell;
  readonly deviceClock: DeviceClock;
  /** The general faults, for its GATT server. */
  readonly gattFaults: GattFaults;
  faults(): SensorFaults;
  changeFaults(changes: Partial<SensorFaults>): void;
  tell(event: SensorHappening): void;
}

export const createSensorSurroundings = (options: SensorOptions): SensorSurroundings => {
  const { air, address } = options;
  const { clock } = air;
  let faults: SensorFaults = { ...NO_SENSOR_FAULTS, ...options.faults };
  return {
    clock,
    chance: air.chance.fork(`sensor ${address.address}`),
    bell: createBell(),
    deviceClock: createDeviceClock({
      clock,
      zone: options.zone ?? SENSOR_DEFAULTS.zone,
      state: options.clock ?? { tag: "right" },
    }),
    gattFaults: {
      errorFor: (operation) => {
        if (operation !== "subscribe" || faults.refuseSubscriptions <= 0) return null;
        faults = { ...faults, refuseSubscriptions: faults.refuseSubscriptions - 1 };
        return ATT_ERROR.APPLICATION;
      },
      answerAfter: () => (faults.mute ? "never" : faults.answerDelay),
    },
    faults: () => faults,
    changeFaults: (changes) => {
      faults = { ...faults, ...changes };
    },
    tell: (event) => options.observe?.({ ...event, at: clock.now() }),
  };
};
