import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { HubError } from "../../protocol/errors.ts";
import { assignmentId, catalogueId, driverId, hubId, sensorId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, minutes, seconds } from "../../protocol/time.ts";
import { createSimulatedRadio, type Device, device } from "../../tests/radio/simulated-radio.ts";
import type { ReadingSink, SensorDriver } from "../driver.ts";
import { createRadioScheduler, type RadioScheduler } from "./radio-scheduler.ts";
import type { BleEnrolment } from "./sensor-session.ts";

type Session = SensorDriver<unknown>["session"];

const enrol = (name: string, address: string, session: Session, stays = false): BleEnrolment => ({
  sensor: {
    id: sensorId(name),
    assignment: assignmentId("a-1"),
    catalogue: { id: catalogueId("maker-model"), version: "1" },
    manufacturer: "Maker",
    model: "Model",
    udi: null,
    quirks: [],
  },
  address: address.toUpperCase(),
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
let lines: string[];
let reports: { code: string; message: string; detail: object }[];
let stop: AbortController;
let running: Promise<void> | null;

const logger: Logger = {
  debug: () => undefined,
  info: (message) => lines.push(message),
  warn: (message) => lines.push(message),
  error: (message) => lines.push(message),
  with: () => logger,
};
const sink: ReadingSink = {
  take: () => Promise.resolve(),
  keepUnreadable: () => Promise.resolve(),
  nextCounter: () => Promise.resolve(1),
  report: (code, message, detail) => reports.push({ code, message, detail }),
};

const schedule = (devices: Device[], sensors: readonly BleEnrolment[]) => {
  const air = createSimulatedRadio(clock, devices);
  const scheduler: RadioScheduler = createRadioScheduler({
    radio: air.radio,
    sensors,
    sink,
    contextOf: ({ sensor }) => ({
      sensor,
      hub: { id: hubId("hub"), version: "0" },
      zone: "UTC",
      clock,
      time: clock,
      logger,
      memory: createMemorySensorMemory(),
    }),
    clock,
    logger,
  });
  running = scheduler.run(stop.signal);
  return { ...air, scheduler };
};

/** Reads for `span`, then says `complete`. The sensor then sleeps. */
const measures =
  (of: Device, span: Millis): Session =>
  async (_transport, _sink, context, signal) => {
    await context.clock.sleep(span, signal);
    of.until = 0;
    return { readings: 1, reason: "complete" };
  };

/** Stays until the link is lost or it is told to stop. */
const streams: Session = (transport, _sink, _context, signal) =>
  new Promise((resolve) => {
    const end = (reason: "disconnected" | "aborted"): void => resolve({ readings: 5, reason });
    transport.lost.addEventListener("abort", () => end("disconnected"), { once: true });
    signal.addEventListener("abort", () => end("aborted"), { once: true });
  });

const statusOf = (scheduler: RadioScheduler, name: string) => {
  const found = scheduler.status().sensors.find(({ sensor }) => sensor === name);
  if (found === undefined) throw new Error(`no status of ${name}`);
  return found;
};

beforeEach(() => {
  clock = createSimulatedClock();
  lines = [];
  reports = [];
  stop = new AbortController();
  running = null;
});
afterEach(async () => {
  stop.abort();
  await clock.advance(seconds(10));
  await running;
  expect(clock.sleeping).toBe(0);
});

describe("the radio scheduler", () => {
  it("reads a sensor that it hears, and tells the technician when, how well and how it went", async () => {
    const cuff = device("c4:f3:12:53:f2:c9", { from: 1000 });
    const { scheduler } = schedule([cuff], [enrol("cuff", cuff.address, measures(cuff, seconds(2)))]);
    await clock.advance(seconds(1.2));
    expect(statusOf(scheduler, "cuff")).toMatchObject({ phase: "connecting", rssi: -60, sessions: 0 });
    await clock.advance(seconds(1));
    expect(statusOf(scheduler, "cuff")).toMatchObject({ phase: "session", sessions: 1, lastSession: null });
    await clock.advance(seconds(3));
    expect(statusOf(scheduler, "cuff")).toMatchObject({
      sensor: "cuff",
      phase: "idle",
      lastSession: { reason: "complete", readings: 1, trouble: null },
      sessions: 1,
      failures: 0,
      readings: 1,
    });
    expect(scheduler.status()).toMatchObject({ state: "ready", trouble: null });
  });

  it("scans and reads others while sessions run", async () => {
    const devices = ["a", "b", "c"].map((name) => device(`00:00:00:00:00:0${name}`));
    const { scheduler, calls } = schedule(
      devices,
      devices.map((one) => enrol(`sensor-${one.address.at(-1)}`, one.address, measures(one, seconds(60)))),
    );
    await clock.advance(seconds(5));
    expect(scheduler.status().sensors.map(({ phase }) => phase)).toEqual(["session", "session", "session"]);
    expect(calls.at(-1)).toBe("scan");
  });

  it("reads six sensors of a block of flats that measure in the same minute with windows of 20 s", async () => {
    const others = Array.from({ length: 44 }, (_, i) => device(`f0:00:00:00:00:${(i + 16).toString(16)}`));
    const ours = Array.from({ length: 6 }, (_, i) =>
      device(`0${i}:00:00:00:00:01`, { from: 2000 + i * 6000, until: 22_000 + i * 6000, every: 1000, answersIn: 1500 }),
    );
    const { scheduler } = schedule(
      [...others, ...ours],
      ours.map((one, i) => enrol(`ours-${i}`, one.address, measures(one, seconds(15)))),
    );
    await clock.advance(seconds(80));
    expect(scheduler.status().sensors.map(({ readings }) => readings)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("goes on with others when a sensor falls asleep before it is connected to", async () => {
    const asleep = device("00:00:00:00:00:0a", { until: 250, answersIn: "refuses" });
    const awake = device("00:00:00:00:00:0b", { from: 3000, until: 13_000, every: 1000 });
    const { scheduler } = schedule(
      [asleep, awake],
      [enrol("asleep", asleep.address, streams), enrol("awake", awake.address, measures(awake, seconds(1)))],
    );
    await clock.advance(seconds(14));
    expect(statusOf(scheduler, "asleep")).toMatchObject({ failures: 1, sessions: 0 });
    expect(statusOf(scheduler, "asleep").trouble).toContain("connection to 00:00:00:00:00:0a");
    expect(statusOf(scheduler, "awake").readings).toBe(1);
  });

  it("tries a sensor that breaks off again within its window", async () => {
    let tries = 0;
    const cuff = device("00:00:00:00:00:0a", { until: 10_000 });
    const { scheduler } = schedule(
      [cuff],
      [
        enrol("cuff", cuff.address, async () => {
          tries += 1;
          if (tries < 4) throw new HubError("ble-disconnected", "connection: the sensor hung up; measure again");
          cuff.until = 0;
          return { readings: 1, reason: "complete" };
        }),
      ],
    );
    await clock.advance(seconds(10));
    expect(statusOf(scheduler, "cuff")).toMatchObject({
      sessions: 4,
      readings: 1,
      lastSession: { reason: "complete" },
    });
  });

  it("keeps a stream connected for longer than a session may take, and comes back when it breaks off", async () => {
    const oximeter = device("00:00:00:00:00:0a");
    const { scheduler, links } = schedule([oximeter], [enrol("oximeter", oximeter.address, streams, true)]);
    await clock.advance(minutes(5));
    expect(statusOf(scheduler, "oximeter")).toMatchObject({ phase: "session", sessions: 1 });
    links[0]?.drop();
    await clock.advance(seconds(3));
    expect(statusOf(scheduler, "oximeter")).toMatchObject({ phase: "session", sessions: 2, readings: 5 });
  });

  it("ends a session that takes longer than 120 s", async () => {
    const cuff = device("00:00:00:00:00:0a", { until: 1000 });
    const { scheduler, links } = schedule([cuff], [enrol("cuff", cuff.address, streams)]);
    await clock.advance(seconds(125));
    expect(statusOf(scheduler, "cuff").lastSession).toMatchObject({ reason: "deadline" });
    expect(links[0]?.lost.aborted).toBe(true);
  });

  it("reports a medical sensor that is not enrolled, once an hour, and never connects to it", async () => {
    const stranger = device("f0:00:00:00:00:01", { services: ["180a", "181d"] });
    const phone = device("f0:00:00:00:00:02", { services: ["feaa"] });
    const { scheduler, calls } = schedule([stranger, phone], []);
    await clock.advance(minutes(2));
    expect(reports).toEqual([
      {
        code: "unknown-sensor",
        message: expect.stringContaining("f0:00:00:00:00:01 offers medical service 181d and is not enrolled"),
        detail: { address: "f0:00:00:00:00:01", service: "181d", rssi: -60 },
      },
    ]);
    expect(scheduler.status().unknown).toMatchObject({ reported: 1, heard: expect.any(Number) });
    expect(scheduler.status().unknown.heard).toBeGreaterThan(500);
    expect(calls.filter((call) => call.startsWith("connect"))).toEqual([]);
  });

  it("takes an hour of silence for no fault", async () => {
    const { scheduler, calls } = schedule([], [enrol("cuff", "00:00:00:00:00:0a", streams)]);
    await clock.advance(minutes(60));
    expect(scheduler.status()).toMatchObject({ state: "ready", trouble: null });
    expect([reports, lines]).toEqual([[], []]);
    expect(calls.filter((call) => call === "start").length).toBe(1);
  });

  it("says once that there is no adapter, keeps looking for it, and reads when it is there", async () => {
    const cuff = device("00:00:00:00:00:0a", { from: 120_000 });
    const air = schedule([cuff], [enrol("cuff", cuff.address, measures(cuff, seconds(1)))]);
    air.broken.start = new HubError("adapter-absent", "adapter: there is no such port; plug it in");
    await clock.advance(seconds(100));
    expect(air.scheduler.status()).toMatchObject({
      state: "absent",
      trouble: "adapter: there is no such port; plug it in",
    });
    expect(reports).toEqual([
      {
        code: "adapter-fault",
        message: "adapter: there is no such port; plug it in",
        detail: { kind: "adapter-absent" },
      },
    ]);
    expect(lines).toEqual(["radio trouble"]);
    air.plugIn();
    await clock.advance(seconds(31));
    expect(lines).toContain("radio ready again");
    await clock.advance(seconds(30));
    expect(statusOf(air.scheduler, "cuff").readings).toBe(1);
  });

  it("survives an adapter that is unplugged in the middle of a session", async () => {
    const cuff = device("00:00:00:00:00:0a");
    const air = schedule([cuff], [enrol("cuff", cuff.address, streams)]);
    await clock.advance(seconds(2));
    air.unplug();
    await clock.advance(seconds(5));
    expect(statusOf(air.scheduler, "cuff").lastSession).toMatchObject({ reason: "disconnected" });
    expect(reports.map(({ code }) => code)).toEqual(["adapter-fault"]);
    air.plugIn();
    await clock.advance(seconds(35));
    expect(statusOf(air.scheduler, "cuff")).toMatchObject({ phase: "session", sessions: 2 });
  });

  it("climbs the ladder when the adapter is wedged: a new scan, a new binding, a report", async () => {
    const cuff = device("00:00:00:00:00:0a", { from: 120_000 });
    const air = schedule([cuff], [enrol("cuff", cuff.address, streams)]);
    await clock.advance(seconds(1));
    air.broken.scan = new HubError("adapter-wedged", "adapter: no answer to the start of a scan in 2 s; replug it");
    const before = air.calls.length;
    await clock.advance(seconds(60));
    expect(air.calls.slice(before, before + 4)).toEqual(["scan", "scan", "start", "scan"]);
    expect(reports.map(({ detail }) => detail)).toEqual([{ kind: "adapter-wedged" }]);
    air.broken.scan = null;
    await clock.advance(seconds(100));
    expect(statusOf(air.scheduler, "cuff").phase).toBe("session");
  });

  it("takes trouble of the adapter while it connects for that, and not for the sensor's", async () => {
    const cuff = device("00:00:00:00:00:0a");
    const air = schedule([cuff], [enrol("cuff", cuff.address, streams)]);
    air.broken.connect = new HubError(
      "adapter-wedged",
      "adapter: no answer to the end of an attempt in 2 s; replug it",
    );
    await clock.advance(seconds(10));
    expect(air.calls).toContain("start");
    expect(reports.map(({ code }) => code)).toEqual(["adapter-fault"]);
    air.broken.connect = null;
    await clock.advance(seconds(60));
    expect(statusOf(air.scheduler, "cuff").phase).toBe("session");
  });

  it("stops in order: sessions are told, links closed, and nothing is left running", async () => {
    const devices = ["a", "b"].map((name) => device(`00:00:00:00:00:0${name}`));
    const { scheduler, links } = schedule(
      devices,
      devices.map((one) => enrol(`sensor-${one.address.at(-1)}`, one.address, streams, true)),
    );
    await clock.advance(seconds(5));
    expect(links.length).toBe(2);
    stop.abort(new Error("the hub stops"));
    await clock.advance(seconds(1));
    await running;
    expect(links.every(({ lost }) => lost.aborted)).toBe(true);
    expect(scheduler.status().sensors.map(({ lastSession }) => lastSession?.reason)).toEqual(["aborted", "aborted"]);
    expect(clock.sleeping).toBe(0);
  });

  it("ends at once when it is told to stop before it began", async () => {
    stop.abort();
    const { calls } = schedule([], []);
    await running;
    expect(calls).toEqual([]);
  });
});
