import { type Millis, millis } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { radioAddress } from "../radio/address.ts";
import { createAir } from "../radio/air.ts";
import { centralOn, handle } from "./central-bench.ts";
import type { GattServer } from "./gatt-server.ts";

const SENSOR = radioAddress("00:00:5e:00:53:20");
const IDENTITY = { manufacturer: "Roche", model: "meter+", serial: "7", firmware: "1.0" };

/** A sensor of any kind and a central on one air, under a simulated clock. For tests. */
export const recordBench = <O extends object, S extends { readonly gatt: GattServer }>(
  create: (options: O) => S,
  options: Omit<O, "air" | "address" | "identity" | "observe">,
) => {
  const clock = createSimulatedClock();
  const air = createAir({ clock, seed: 5 });
  const events: string[] = [];
  const sensor = create({
    air,
    address: SENSOR,
    identity: IDENTITY,
    observe: (event: { readonly tag: string; readonly id?: number }) =>
      events.push(event.id === undefined ? event.tag : `${event.tag} ${event.id}`),
    ...options,
  } as unknown as O);
  const central = centralOn(air, clock, SENSOR);
  const pass = (span: Millis): Promise<void> => clock.advance(span);
  const names = new Map(
    sensor.gatt.attributes.filter(({ role }) => role === "value").map((one) => [handle(one.handle), one.type]),
  );

  /** Response of the sensor to a write: `13` or an error PDU. */
  const write = async (uuid: string, value: string): Promise<string> => {
    central.ask(`12${handle(sensor.gatt.handlesOf(uuid).value)}${value}`);
    await pass(millis(0));
    return central.pdus.at(-1) ?? "";
  };

  return {
    clock,
    air,
    sensor,
    central,
    events,
    pass,
    write,
    subscribe: async (uuid: string, to: "notify" | "indicate"): Promise<string> => {
      const { configuration } = sensor.gatt.handlesOf(uuid);
      central.ask(`12${handle(configuration ?? 0)}${to === "notify" ? "0100" : "0200"}`);
      await pass(millis(0));
      return central.pdus.at(-1) ?? "";
    },
    read: async (uuid: string): Promise<string> => {
      central.ask(`0a${handle(sensor.gatt.handlesOf(uuid).value)}`);
      await pass(millis(0));
      return (central.pdus.at(-1) ?? "").slice(2);
    },
    /** What came unasked since the last call, as `uuid value`. */
    heard: (): readonly string[] =>
      central.pushes.splice(0).map((push) => `${names.get(push.slice(0, 4)) ?? "?"} ${push.slice(4)}`),
    /** An ATT error response to a write of this characteristic. */
    refusal: (uuid: string, code: string): string => `0112${handle(sensor.gatt.handlesOf(uuid).value)}${code}`,
  };
};
