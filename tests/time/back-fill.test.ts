import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadingContext } from "../../drivers/driver.ts";
import { draftReading, type Measurement } from "../../drivers/normalise/reading.ts";
import { createZones } from "../../drivers/normalise/zone.ts";
import { backFill } from "../../gateway/clock/back-fill.ts";
import type { ClockAnchor } from "../../gateway/clock/clock-anchor.ts";
import { entryTime, statedTime } from "../../gateway/entry/stated-time.ts";
import { assignmentId, driverId, hubId } from "../../protocol/ids.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { observe, type World, worlds } from "./simulated-world.ts";

const zones = createZones();
const validate = createReadingValidator();
const NOON = Date.UTC(2026, 5, 15, 12);
const STOCKHOLM = zones.zone("Europe/Stockholm");

const measured = (change: Partial<Measurement> = {}): Measurement => {
  const { kind, status, values, supplemental, context, flags } = sampleReading();
  return { kind, status, values, supplemental, context, flags, quality: [], time: null, ...change };
};

const contextAt = (at: Arrival, change: Partial<ReadingContext> = {}): ReadingContext => ({
  assignment: assignmentId("a-1"),
  hub: { id: hubId("hub-1"), version: "1" },
  device: sampleReading().device,
  address: "00:11:22:33:44:55",
  driver: { id: driverId("gatt"), version: "1" },
  transport: "ble",
  source: "2a35",
  raw: Uint8Array.of(1),
  at,
  pair: null,
  counter: 1,
  zone: "Europe/Stockholm",
  ...change,
});

/** An arrival `monoMs` after the machine started at noon. */
const unset = (monoMs: number, bootId = "boot"): Arrival => ({
  utc: null,
  bootId,
  monoMs: millis(monoMs),
  hubClock: { state: "unset", errorMs: null },
});

const anchorAt = (monoMs: number, errorMs: number | null = 100): ClockAnchor => ({
  bootId: "boot",
  monoMs: millis(monoMs),
  utc: epochMs(NOON + monoMs),
  hubClock: { state: "ntp", errorMs },
});

const fill = (reading: DraftReading, anchor = anchorAt(3_600_000)): DraftReading =>
  backFill(reading, anchor, STOCKHOLM);

describe("a reading that came while the clock was not set", () => {
  it("gets the time of its reception, and the hub's drift since as error", () => {
    const reading = draftReading(measured(), contextAt(unset(60_000)), zones);
    expect(fill(reading)).toEqual({
      ...reading,
      time: {
        ...reading.time,
        start: "2026-06-15T12:01:00.000Z",
        uncertaintyMs: 60_000 + 277,
        basis: "reception",
        received: { utc: "2026-06-15T12:01:00.000Z", bootId: "boot", monoMs: 60_000 },
        hubClock: { state: "holdover", errorMs: 277 },
      },
    });
  });

  it("gets the sensor's time by the pair that was kept", () => {
    const stamp = { year: 2019, month: 1, day: 1, hour: 0, minute: 5, second: 0 };
    const pair = { device: "2019-01-01T00:06:00", hub: unset(50_000), uncertaintyMs: 1050 };
    const reading = draftReading(measured({ time: stamp }), contextAt(unset(60_000), { pair }), zones);
    expect(fill(reading).time).toMatchObject({
      start: "2026-06-15T11:59:50.000Z",
      basis: "device-corrected",
      coincident: { device: "2019-01-01T00:06:00", hub: "2026-06-15T12:00:50.000Z" },
      faults: ["factory-date"],
    });
  });

  it("keeps its duration, and the fault of its weekday", () => {
    const stamp = { year: 2026, month: 6, day: 15, hour: 14, minute: 0, second: 30 };
    const change = { time: stamp, weekday: 3, durationMs: 10_000 };
    const reading = draftReading(measured(change), contextAt(unset(60_000)), zones);
    expect(validate({ ...reading, seq: 1 })).toMatchObject({ tag: "ok" });
    expect(fill(reading).time).toMatchObject({
      start: "2026-06-15T12:00:30.000Z",
      end: "2026-06-15T12:00:40.000Z",
      faults: ["weekday-mismatch"],
    });
    expect(fill(reading).time).not.toHaveProperty("durationMs");
  });

  it("is marked as stored where it turns out to be", () => {
    const stamp = { year: 2026, month: 6, day: 15, hour: 13, minute: 0, second: 0 };
    const pair = { device: "2026-06-15T14:01:00", hub: unset(60_000), uncertaintyMs: 1050 };
    const reading = draftReading(measured({ time: stamp }), contextAt(unset(60_000), { pair }), zones);
    expect(fill(reading)).toMatchObject({ quality: ["stored"], time: { start: "2026-06-15T11:00:00.000Z" } });
  });

  it("does not know how certain its time is where the hub does not", () => {
    const reading = draftReading(measured(), contextAt(unset(60_000)), zones);
    expect(fill(reading, anchorAt(3_600_000, null)).time).toMatchObject({
      start: "2026-06-15T12:01:00.000Z",
      uncertaintyMs: null,
    });
  });

  it("gets its time also where the clock was trusted before and then lost", () => {
    const reading = draftReading(measured(), contextAt(unset(7_200_000)), zones);
    expect(fill(reading).time).toMatchObject({ start: "2026-06-15T14:00:00.000Z", hubClock: { errorMs: 280 } });
  });
});

describe("back-fill leaves alone", () => {
  it("a reading of an earlier boot: it stays unknown", () => {
    const reading = draftReading(measured(), contextAt(unset(60_000, "boot before")), zones);
    expect(fill(reading)).toBe(reading);
  });

  it("a reading that had its time", () => {
    const at = { ...unset(60_000), utc: epochMs(NOON), hubClock: { state: "rtc" as const, errorMs: null } };
    const reading = draftReading(measured(), contextAt(at), zones);
    expect(fill(reading)).toBe(reading);
  });
});

describe("a manual entry made while the clock was not set", () => {
  const entry = (change: Partial<DraftReading>): DraftReading => {
    const reading = sampleReading();
    return { ...reading, provenance: { ...reading.provenance, transport: "manual" }, quality: ["manual"], ...change };
  };

  it("gets the time of its entry", () => {
    const reading = entry({ time: entryTime(null, null, unset(60_000)) });
    expect(fill(reading)).toMatchObject({
      quality: ["manual"],
      time: { start: "2026-06-15T12:01:00.000Z", basis: "reception", received: { utc: "2026-06-15T12:01:00.000Z" } },
    });
  });

  it("keeps the time that somebody stated", () => {
    const stated = statedTime("2026-06-15T08:15", STOCKHOLM, unset(60_000));
    const reading = entry({ time: entryTime(stated, null, unset(60_000)) });
    expect(fill(reading).time).toMatchObject({
      start: "2026-06-15T06:15:00.000Z",
      basis: "stated",
      received: { utc: "2026-06-15T12:01:00.000Z" },
    });
  });

  it("that corrects what had no time still has none", () => {
    const reading = entry({ replaces: sampleReading(2).id, time: entryTime(null, null, unset(60_000)) });
    expect(fill(reading).time).toMatchObject({ start: null, basis: "unknown" });
  });
});

const late = worlds.map((world): World => ({ ...world, hub: { ...world.hub, state: "unset", errorMs: null } }));
const anchors = fc.record({
  after: fc.integer({ min: -3_600_000, max: 86_400_000 }),
  errorMs: fc.constantFrom(100, 5000),
  wrong: fc.double({ min: -1, max: 1, noNaN: true }),
});

describe("back-filled times", () => {
  it("are never off by more than they say, and change neither id nor anything else", () => {
    fc.assert(
      fc.property(late, anchors, (world, { after, errorMs, wrong }) => {
        fc.pre(world.channel !== "none" && world.channel !== "write");
        const { truth, input } = observe(world);
        const { device: time, weekday, at, pair, zone } = input;
        const quality = input.isStored ? (["stored"] as const) : [];
        const context = contextAt(at, { pair, zone: world.zone });
        const reading = draftReading(measured({ time, weekday, quality }), context, zones);
        expect(reading.time.start).toBeNull();
        expect(validate({ ...reading, seq: 1 })).toMatchObject({ tag: "ok" });
        const receivedAt = truth + world.age;
        const anchor: ClockAnchor = {
          bootId: at.bootId,
          monoMs: millis(at.monoMs + after * (1 + world.hub.drift)),
          utc: epochMs(Math.round(receivedAt + after + errorMs * wrong * 0.99)),
          hubClock: { state: "ntp", errorMs },
        };
        const filled = backFill(reading, anchor, zone);
        expect(validate({ ...filled, seq: 1 })).toMatchObject({ tag: "ok" });
        expect({ ...filled, time: null, quality: null }).toEqual({ ...reading, time: null, quality: null });
        expect(backFill(filled, anchor, zone)).toBe(filled);
        const { start, uncertaintyMs } = filled.time;
        if (start === null) return;
        expect(Math.abs(Date.parse(start) - truth)).toBeLessThanOrEqual(uncertaintyMs ?? -1);
      }),
      { numRuns: 2000 },
    );
  });
});
