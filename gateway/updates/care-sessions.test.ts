import { beforeEach, expect, it } from "vitest";
import type { EnrolledSensor, ReadingSink, SensorDriver, SessionContext } from "../../drivers/driver.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport, type MemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { HubError } from "../../protocol/errors.ts";
import { driverId, sensorId } from "../../protocol/ids.ts";
import { millis, minutes } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import type { Enrolment } from "../config/enrol.ts";
import { type CareLeases, createCareLeases, LULL } from "./care-leases.ts";
import { withCare } from "./care-sessions.ts";

const never = new AbortController().signal;
let clock: SimulatedClock;
let leases: CareLeases;
let lines: LogLine[];
let transport: MemoryTransport;

beforeEach(() => {
  clock = createSimulatedClock();
  lines = [];
  leases = createCareLeases({ clock, logger: createKeepingLogger(lines) });
  transport = createMemoryTransport(clock);
});

/** Reads to the end of the connection, and fails where it is told to. */
const start = (
  stays: boolean,
  failure: Error | null = null,
  more: Pick<SensorDriver<unknown>, "lull"> = {},
): Promise<unknown> => {
  const session: SensorDriver<unknown>["session"] = async ({ incoming }) => {
    let readings = 0;
    for await (const _ of incoming) readings += 1;
    if (failure !== null) throw failure;
    return { readings, reason: "disconnected" };
  };
  const driver = { id: driverId("test"), version: "1.0.0", transport: "serial", stays, session, ...more };
  const enrolment = { driver, sensor: { id: sensorId("cuff") } as EnrolledSensor } as unknown as Enrolment;
  const told = withCare(enrolment, leases);
  return told.driver.session(transport, {} as ReadingSink, {} as SessionContext, never);
};
const send = async (): Promise<void> => {
  transport.send(Uint8Array.of(1));
  await clock.advance(millis(0));
};

it("a session with an end counts as a whole, also one that fails", async () => {
  const session = start(false, new HubError("ble-disconnected", "connection: gone"));
  expect(leases.held()?.what).toBe("sensor cuff");
  await clock.advance(minutes(2));
  await send();
  expect(leases.held()).not.toBeNull();
  transport.unplug();
  await expect(session).rejects.toThrow("gone");
  expect(leases.held()).toBeNull();
  expect(lines).toEqual([]);
});

it("an open serial line counts only while it brings something, and all of that reaches the session", async () => {
  const session = start(true);
  await clock.advance(minutes(1));
  expect(leases.held()).toBeNull();
  await send();
  expect(leases.held()?.what).toBe("sensor cuff");
  await clock.advance(millis(LULL - 1));
  expect(leases.held()).not.toBeNull();
  await clock.advance(millis(1));
  expect(leases.held()).toBeNull();
  await send();
  expect(leases.held()).not.toBeNull();
  transport.unplug();
  expect(await session).toEqual({ readings: 2, reason: "disconnected" });
});

it("a meter that keeps what it measured counts at no time: its session may be broken off", async () => {
  const session = start(true, null, { lull: null });
  await send();
  expect(leases.held()).toBeNull();
  transport.unplug();
  expect(await session).toEqual({ readings: 1, reason: "disconnected" });
});

it("a measurement with rests counts as long as its driver says", async () => {
  const session = start(true, null, { lull: minutes(2) });
  await send();
  await clock.advance(minutes(1));
  expect(leases.held()).not.toBeNull();
  await clock.advance(minutes(1));
  expect(leases.held()).toBeNull();
  transport.unplug();
  await session;
});

it("a stream over Bluetooth counts from its connection on: nothing connects that nobody uses", async () => {
  transport = { ...transport, kind: "ble" } as unknown as MemoryTransport;
  const session = start(true);
  expect(leases.held()?.what).toBe("sensor cuff");
  transport.unplug();
  await session;
});
