import { describe, expect, it } from "vitest";
import type { ReadingTime } from "../../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { civilMsOfText, dateTimeOf } from "./civil-time.ts";
import { readingTime, type TimeInput } from "./time.ts";
import { createZones } from "./zone.ts";

const zone = createZones().zone("Europe/Stockholm");

/** An arrival at `utc`; its monotonic time runs with UTC from noon of 15 June 2026. */
const arrival = (utc: string, errorMs: number | null = 20): Arrival => ({
  utc: epochMs(Date.parse(`${utc}Z`)),
  bootId: "boot-1",
  monoMs: millis(Date.parse(`${utc}Z`) - Date.parse("2025-01-01T00:00:00Z")),
  hubClock: { state: "ntp", errorMs },
});

const unsetArrival = (monoMs: number): Arrival => ({
  utc: null,
  bootId: "boot-1",
  monoMs: millis(monoMs),
  hubClock: { state: "unset", errorMs: null },
});

const stamp = (local: string): DateTime => {
  const ms = civilMsOfText(local);
  if (ms === null) throw new Error(`test: ${local} is no time`);
  return dateTimeOf(ms);
};

/** The sensor showed `device` when the hub's clock was `hub`. */
const pair = (device: string, hub: string, uncertaintyMs = 1050): ClockPair => ({
  device,
  hub: arrival(hub),
  uncertaintyMs,
});

const timed = (input: Partial<TimeInput> & Pick<TimeInput, "at">): ReadingTime =>
  readingTime({
    device: null,
    offsetMin: null,
    weekday: null,
    durationMs: 0,
    receptionDelayMs: 0,
    pair: null,
    zone,
    ...input,
  });

describe("reading time without a stamp", () => {
  it("is the time of reception, as certain as the hub's clock and the way to it", () => {
    const time = timed({ at: arrival("2026-06-15T12:00:00"), receptionDelayMs: 1000 });
    expect(time).toMatchObject({
      start: "2026-06-15T12:00:00.000Z",
      end: null,
      basis: "reception",
      uncertaintyMs: 1020,
      deviceRaw: null,
      coincident: null,
      faults: [],
    });
  });

  it("ends with the reception when it has a duration", () => {
    const time = timed({ at: arrival("2026-06-15T12:00:00"), durationMs: 60_000 });
    expect(time).toMatchObject({ start: "2026-06-15T11:59:00.000Z", end: "2026-06-15T12:00:00.000Z" });
  });

  it("does not know how certain it is when the hub does not", () => {
    expect(timed({ at: arrival("2026-06-15T12:00:00", null) }).uncertaintyMs).toBeNull();
  });
});

describe("reading time with a stamp and a pair", () => {
  it("keeps the stamp of a sensor that agrees with the hub, in the home's zone", () => {
    const time = timed({
      device: stamp("2026-06-15T14:00:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T14:00:58", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({ start: "2026-06-15T12:00:00.000Z", basis: "device-synced", faults: [] });
    expect(time.uncertaintyMs).toBe(Math.ceil(1050 + 58_000 * 50e-6 + 20));
    expect(time.coincident).toEqual({ device: "2026-06-15T14:00:58", hub: "2026-06-15T12:00:58.000Z" });
  });

  it("shifts the stamp of a sensor that is off by what the clocks differ", () => {
    const time = timed({
      device: stamp("2026-06-15T13:40:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T13:43:00", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({
      start: "2026-06-15T11:57:58.000Z",
      basis: "device-corrected",
      deviceRaw: { text: "2026-06-15T13:40:00", offsetMin: null },
    });
  });

  it("trusts a month-old stored stamp less, by the drift of a crystal", () => {
    const fresh = timed({
      device: stamp("2026-06-15T14:00:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T14:10:58", "2026-06-15T12:00:58"),
    });
    const old = timed({
      device: stamp("2026-05-15T14:00:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T14:10:58", "2026-06-15T12:00:58"),
    });
    expect((old.uncertaintyMs ?? 0) - (fresh.uncertaintyMs ?? 0)).toBeCloseTo(31 * 86_400_000 * 50e-6, -2);
  });

  it("uses the hub's clock as it is trusted now when it was set between the pair and the value", () => {
    const before: Arrival = { ...arrival("2026-06-15T12:00:00"), utc: null };
    const time = timed({
      device: stamp("2026-06-15T14:05:00"),
      at: arrival("2026-06-15T12:00:10"),
      pair: { device: "2026-06-15T14:10:00", hub: before, uncertaintyMs: 1000 },
    });
    expect(time).toMatchObject({ start: "2026-06-15T11:55:00.000Z", basis: "device-corrected" });
    expect(time.coincident?.hub).toBe("2026-06-15T12:00:00.000Z");
  });

  it("does not use a pair of another boot", () => {
    const foreign = pair("2026-06-15T14:10:00", "2026-06-15T12:00:00");
    const time = timed({
      device: stamp("2026-06-10T14:05:00"),
      at: arrival("2026-06-15T12:00:10"),
      pair: { ...foreign, hub: { ...foreign.hub, bootId: "boot-0" } },
    });
    expect(time).toMatchObject({ start: null, basis: "unknown", coincident: null, faults: ["timeline-unknown"] });
  });

  it("refuses a stamp after the sensor's own present: the clock was set back since", () => {
    const time = timed({
      device: stamp("2026-06-15T18:00:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T14:00:58", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({
      start: null,
      basis: "unknown",
      uncertaintyMs: null,
      deviceRaw: { text: "2026-06-15T18:00:00" },
      faults: ["future", "timeline-unknown"],
    });
  });

  it("takes a sensor's offset before the home's zone", () => {
    const time = timed({
      device: stamp("2026-06-15T08:00:00"),
      offsetMin: -240,
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T08:00:58", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({ start: "2026-06-15T12:00:00.000Z", basis: "device-synced" });
    expect(time.deviceRaw).toEqual({ text: "2026-06-15T08:00:00", offsetMin: -240 });
  });

  it("flags a weekday that is not that of the date", () => {
    const at = arrival("2026-06-15T12:01:00");
    const device = stamp("2026-06-15T14:00:30");
    expect(timed({ device, at, weekday: 1 }).faults).toEqual([]);
    expect(timed({ device, at, weekday: 2 })).toMatchObject({
      start: "2026-06-15T12:00:30.000Z",
      faults: ["weekday-mismatch"],
    });
  });
});

describe("reading time and factory dates", () => {
  it("refuses a factory date from before the clock was set", () => {
    const time = timed({
      device: stamp("2010-01-01T00:05:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2026-06-15T14:00:58", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({ start: null, faults: ["factory-date", "timeline-unknown"] });
  });

  it("shifts, and flags, a factory date of a clock that still runs from it", () => {
    const time = timed({
      device: stamp("2010-01-01T00:05:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2010-01-01T00:06:00", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({
      start: "2026-06-15T11:59:58.000Z",
      basis: "device-corrected",
      faults: ["factory-date"],
    });
  });

  it("refuses a real stamp from before a battery was changed, when the clock runs from its factory date now", () => {
    const time = timed({
      device: stamp("2026-06-10T09:00:00"),
      at: arrival("2026-06-15T12:01:00"),
      pair: pair("2019-01-01T03:00:00", "2026-06-15T12:00:58"),
    });
    expect(time).toMatchObject({ start: null, faults: ["future", "timeline-unknown"] });
  });

  it("knows a newer factory date by its first of January long ago", () => {
    const time = timed({ device: stamp("2019-01-01T00:00:30"), at: arrival("2026-06-15T12:01:00") });
    expect(time).toMatchObject({ start: null, faults: ["factory-date", "timeline-unknown"] });
  });

  it("takes a measurement on the first of January for what it is", () => {
    const time = timed({ device: stamp("2027-01-01T00:00:30"), at: arrival("2026-12-31T23:01:00") });
    expect(time).toMatchObject({ start: "2026-12-31T23:00:30.000Z", faults: [] });
  });
});

describe("reading time with a stamp and no pair", () => {
  it("keeps a stamp that its own reception confirms", () => {
    const time = timed({ device: stamp("2026-06-15T13:59:20"), at: arrival("2026-06-15T12:00:00") });
    expect(time).toMatchObject({ start: "2026-06-15T11:59:20.000Z", basis: "device-synced", uncertaintyMs: 41_020 });
  });

  it("does not believe an older one", () => {
    const time = timed({ device: stamp("2026-06-15T13:50:00"), at: arrival("2026-06-15T12:00:00") });
    expect(time).toMatchObject({ start: null, basis: "unknown", faults: ["timeline-unknown"] });
  });

  it("does not believe one from the future", () => {
    const time = timed({ device: stamp("2026-06-16T14:00:00"), at: arrival("2026-06-15T12:00:00") });
    expect(time).toMatchObject({ start: null, basis: "unknown", faults: ["future", "timeline-unknown"] });
  });

  it.each([
    [{ year: 0, month: 6, day: 15, hour: 14, minute: 0, second: 0 }, "0000-06-15T14:00:00"],
    [{ year: 2026, month: 0, day: 15, hour: 14, minute: 0, second: 0 }, "2026-00-15T14:00:00"],
    [{ year: 2026, month: 6, day: 0, hour: 14, minute: 0, second: 0 }, "2026-06-00T14:00:00"],
    [{ year: 2026, month: 2, day: 30, hour: 14, minute: 0, second: 0 }, "2026-02-30T14:00:00"],
  ])("never completes a date that is not whole or not there: %o", (device, text) => {
    const time = timed({
      device,
      at: arrival("2026-06-15T12:00:00"),
      pair: pair("2026-06-15T14:00:00", "2026-06-15T12:00:00"),
    });
    expect(time).toMatchObject({
      start: null,
      basis: "unknown",
      deviceRaw: { text, offsetMin: null },
      faults: ["incomplete-date"],
    });
  });

  it("counts a stamp without seconds as a minute wide", () => {
    const device = { ...stamp("2026-06-15T13:59:00"), second: null };
    const time = timed({ device, at: arrival("2026-06-15T12:00:00") });
    expect(time).toMatchObject({ start: "2026-06-15T11:59:00.000Z", uncertaintyMs: 120_020 });
    expect(time.deviceRaw?.text).toBe("2026-06-15T13:59");
  });
});

describe("reading time of a hub whose clock is unset", () => {
  it("is unknown, with everything kept that lets it be back-filled", () => {
    const time = timed({
      device: stamp("2026-06-15T14:00:00"),
      at: unsetArrival(5000),
      pair: { device: "2026-06-15T14:00:03", hub: unsetArrival(4000), uncertaintyMs: 1000 },
    });
    expect(time).toEqual({
      start: null,
      end: null,
      uncertaintyMs: null,
      basis: "unknown",
      deviceRaw: { text: "2026-06-15T14:00:00", offsetMin: null },
      coincident: { device: "2026-06-15T14:00:03", hub: null, monoMs: 4000, uncertaintyMs: 1000 },
      received: { utc: null, bootId: "boot-1", monoMs: 5000 },
      hubClock: { state: "unset", errorMs: null },
      faults: [],
    });
  });

  it("is unknown without a stamp too", () => {
    expect(timed({ at: unsetArrival(5000) })).toMatchObject({ start: null, end: null, basis: "unknown", faults: [] });
  });
});

describe("reading time when clocks are turned (Europe/Stockholm, 29 March and 25 October 2026)", () => {
  it("needs no zone for a sensor that nobody turned: spring", () => {
    // Set to winter time on the 28th, measured at 08:00 summer time, when it showed 07:00.
    const time = timed({
      device: stamp("2026-03-29T07:00:00"),
      at: arrival("2026-03-29T06:01:00"),
      pair: pair("2026-03-29T07:00:50", "2026-03-29T06:00:50"),
    });
    expect(time).toMatchObject({ start: "2026-03-29T06:00:00.000Z", basis: "device-corrected", faults: [] });
  });

  it("needs no zone for a sensor that nobody turned: the repeated hour is told apart", () => {
    const read = (device: string): ReadingTime =>
      timed({
        device: stamp(device),
        at: arrival("2026-10-25T09:00:00"),
        pair: pair("2026-10-25T11:00:00", "2026-10-25T09:00:00"),
      });
    expect(read("2026-10-25T02:30:00")).toMatchObject({ start: "2026-10-25T00:30:00.000Z", faults: [] });
    expect(read("2026-10-25T03:30:00")).toMatchObject({ start: "2026-10-25T01:30:00.000Z", faults: [] });
  });

  it("flags the repeated hour of a sensor that shows winter time now, and is an hour less certain", () => {
    const time = timed({
      device: stamp("2026-10-25T02:30:00"),
      at: arrival("2026-10-25T09:00:00"),
      pair: pair("2026-10-25T10:00:00", "2026-10-25T09:00:00"),
    });
    expect(time).toMatchObject({ start: "2026-10-25T01:30:00.000Z", basis: "device-synced", faults: ["dst-fold"] });
    expect(time.uncertaintyMs).toBeGreaterThanOrEqual(3_600_000);
  });

  it("knows the first of the two hours while the second has not come", () => {
    const time = timed({
      device: stamp("2026-10-25T02:30:00"),
      at: arrival("2026-10-25T00:31:00"),
      pair: pair("2026-10-25T02:30:50", "2026-10-25T00:30:50"),
    });
    expect(time).toMatchObject({ start: "2026-10-25T00:30:00.000Z", faults: [] });
    expect(time.uncertaintyMs).toBeLessThan(2000);
  });

  it("takes the reception for a witness in the repeated hour when there is no pair", () => {
    const read = (at: string): string | null => timed({ device: stamp("2026-10-25T02:30:00"), at: arrival(at) }).start;
    expect(read("2026-10-25T00:30:30")).toBe("2026-10-25T00:30:00.000Z");
    expect(read("2026-10-25T01:30:30")).toBe("2026-10-25T01:30:00.000Z");
  });

  it("flags a time that no clock showed", () => {
    const time = timed({
      device: stamp("2026-03-29T02:30:00"),
      at: arrival("2026-03-29T09:00:00"),
      pair: pair("2026-03-29T11:00:00", "2026-03-29T09:00:00"),
    });
    expect(time).toMatchObject({ start: "2026-03-29T01:30:00.000Z", faults: ["dst-fold"] });
    expect(time.uncertaintyMs).toBeGreaterThanOrEqual(3_600_000);
  });

  it("is an hour less certain across a change of clocks that somebody made on the sensor", () => {
    const time = timed({
      device: stamp("2026-03-28T20:00:00"),
      at: arrival("2026-03-29T06:01:00"),
      pair: pair("2026-03-29T08:00:50", "2026-03-29T06:00:50"),
    });
    expect(time).toMatchObject({ start: "2026-03-28T19:00:00.000Z", basis: "device-synced", faults: [] });
    expect(time.uncertaintyMs).toBeGreaterThanOrEqual(3_600_000);
  });
});
