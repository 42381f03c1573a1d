import { type Millis, millis } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { radioAddress } from "../radio/address.ts";
import { createAir } from "../radio/air.ts";
import { createBloodPressureCuff } from "./blood-pressure-cuff.ts";
import { centralOn, handle } from "./central-bench.ts";
import type { SensorOptions } from "./sensor-options.ts";

export const CUFF = radioAddress("00:00:5e:00:53:10");
export const READING = { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 };

/** A cuff and a central on one air, under a simulated clock. For tests. */
export const sensorBench = (options: Partial<SensorOptions> = {}) => {
  const clock = createSimulatedClock();
  const air = createAir({ clock, seed: 5 });
  const identity = { manufacturer: "A&D", model: "UA-651BLE", serial: "1", firmware: "1.0" };
  const events: string[] = [];
  const all: SensorOptions = {
    air,
    address: CUFF,
    identity,
    observe: (event) => events.push("id" in event ? `${event.tag} ${event.id}` : event.tag),
    ...options,
  };
  const cuff = createBloodPressureCuff(all);
  const central = centralOn(air, clock, CUFF);
  const subscribe = async (): Promise<void> => {
    const { configuration } = cuff.gatt.handlesOf("2a35");
    central.ask(`12${handle(configuration ?? 0)}0200`);
    await clock.advance(millis(0));
  };
  return { clock, air, cuff, central, events, subscribe, options: all, pass: (span: Millis) => clock.advance(span) };
};
