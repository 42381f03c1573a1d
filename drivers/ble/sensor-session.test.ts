import { beforeEach, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBleLink } from "../../hardware-sim/ports/memory-ble-link.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { HubError } from "../../protocol/errors.ts";
import { assignmentId, catalogueId, driverId, hubId, sensorId } from "../../protocol/ids.ts";
import { seconds } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import type { ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import { type BleEnrolment, runSession, type SessionOutcome } from "./sensor-session.ts";

type Session = SensorDriver<unknown>["session"];

const sink: ReadingSink = {
  take: () => Promise.resolve(),
  keepUnreadable: () => Promise.resolve(),
  nextCounter: () => Promise.resolve(1),
  report: () => undefined,
};

const enrolment = (session: Session, stays = false): BleEnrolment => ({
  sensor: {
    id: sensorId("cuff"),
    assignment: assignmentId("a-1"),
    catalogue: { id: catalogueId("maker-model"), version: "1" },
    manufacturer: "Maker",
    model: "Model",
    udi: null,
    quirks: [],
  },
  address: "c4:f3:12:53:f2:c9",
  driver: {
    id: driverId("fake"),
    version: "1.0.0",
    transport: "ble",
    stays,
    decode: () => ({ tag: "malformed", reason: "unsupported", detail: "" }),
    normalise: () => [],
    session,
  },
});

let clock: SimulatedClock;
let stop: AbortController;

const run = (session: Session, stays = false) => {
  const link = createMemoryBleLink({ characteristics: [], clock });
  const context: SessionContext = {
    sensor: enrolment(session).sensor,
    hub: { id: hubId("hub"), version: "0" },
    zone: "UTC",
    clock,
    time: clock,
    logger: silentLogger,
    memory: createMemorySensorMemory(),
  };
  const held: { outcome: SessionOutcome | null } = { outcome: null };
  const done = runSession(enrolment(session, stays), link, sink, context, stop.signal).then((outcome) => {
    held.outcome = outcome;
  });
  return { link, held, done };
};

/** A driver that works until it is told to stop, and has taken `readings` by then. */
const untilTold =
  (readings: number, hears = true): Session =>
  (_transport, _sink, _context, signal) =>
    new Promise<SessionEnd>((resolve) => {
      if (hears) signal.addEventListener("abort", () => resolve({ readings, reason: "aborted" }), { once: true });
    });

beforeEach(() => {
  clock = createSimulatedClock();
  stop = new AbortController();
});

it("gives the driver's own end, and closes the link", async () => {
  const { link, held, done } = run(() => Promise.resolve({ readings: 2, reason: "complete" }));
  await done;
  expect(held.outcome).toEqual({ at: clock.stamp(), reason: "complete", readings: 2, trouble: null });
  expect(link.lost.aborted).toBe(true);
  expect(clock.sleeping).toBe(0);
});

it("ends a session after 120 s, and counts what it took", async () => {
  const { link, held, done } = run(untilTold(3));
  await clock.advance(seconds(119));
  expect(held.outcome).toBeNull();
  await clock.advance(seconds(2));
  await done;
  expect(held.outcome).toMatchObject({ reason: "deadline", readings: 3 });
  expect(held.outcome?.trouble).toContain("cuff: not over after 120 s");
  expect(link.lost.aborted).toBe(true);
});

it("lets a stream run for a day", async () => {
  const { held, done } = run(untilTold(9), true);
  await clock.advance(seconds(86_400));
  expect(held.outcome).toBeNull();
  stop.abort();
  await clock.advance(seconds(0));
  await done;
  expect(held.outcome).toMatchObject({ reason: "aborted", readings: 9, trouble: null });
});

it("does not wait longer than 5 s for a driver that does not hear", async () => {
  const { link, held, done } = run(untilTold(0, false));
  stop.abort();
  await clock.advance(seconds(4));
  expect(held.outcome).toBeNull();
  await clock.advance(seconds(2));
  await done;
  expect(held.outcome).toMatchObject({ reason: "aborted", readings: 0 });
  expect(link.lost.aborted).toBe(true);
});

it.each([
  [new HubError("ble-disconnected", "connection: the sensor hung up; measure again"), "disconnected"],
  [new HubError("ble-att-error", "write to 2a52: refused; pair the sensor"), "failed"],
  [new TypeError("a fault of the driver"), "failed"],
])("says why a session failed: %s", async (thrown, reason) => {
  const { held, done } = run(() => Promise.reject(thrown));
  await done;
  expect(held.outcome).toMatchObject({ reason, readings: 0, trouble: thrown.message });
});
