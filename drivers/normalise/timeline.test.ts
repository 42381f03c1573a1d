import { describe, expect, it } from "vitest";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import type { ClockPair } from "../driver.ts";
import { civilMsOfText, dateTimeOf } from "./civil-time.ts";
import { aheadOf, exchangePair, pairFor, timeToSet } from "./timeline.ts";
import { createZones } from "./zone.ts";

const zone = createZones().zone("Europe/Stockholm");
const START = Date.parse("2026-06-15T12:00:00Z");

const arrival = (monoMs: number): Arrival => ({
  utc: epochMs(START + monoMs),
  bootId: "boot-1",
  monoMs: millis(monoMs),
  hubClock: { state: "ntp", errorMs: 20 },
});

const stamp = (local: string): ReturnType<typeof dateTimeOf> => dateTimeOf(civilMsOfText(local) ?? Number.NaN);

const pairAt = (device: string, monoMs: number): ClockPair => ({ device, hub: arrival(monoMs), uncertaintyMs: 1000 });

describe("pair of the timeline that a stamp is on", () => {
  const before = pairAt("2030-01-01T10:00:00", 1000);
  const after = pairAt("2026-06-15T14:00:02", 2000);

  it("is the first where the clock was not set", () => {
    expect(pairFor(stamp("2030-01-01T09:00:00"), { before, after: null }, 3000)).toBe(before);
  });

  it("is the first for what was stored before the clock was set", () => {
    expect(pairFor(stamp("2030-01-01T09:59:00"), { before, after }, 3000)).toBe(before);
  });

  it("is the second for what is measured after it", () => {
    const back = pairAt("2020-01-01T10:00:00", 1000);
    expect(pairFor(stamp("2026-06-15T14:00:30"), { before: back, after }, 32_000)).toBe(after);
  });

  it("is none for a stored stamp of a clock that can only be set", () => {
    expect(pairFor(stamp("2026-06-14T14:00:30"), { before: null, after }, 3000)).toBeNull();
    expect(pairFor(stamp("2026-06-15T14:00:03"), { before: null, after }, 3000)).toBe(after);
  });

  it("is the first for a stamp of the future, which then is told to be one", () => {
    expect(pairFor(stamp("2026-06-15T15:00:00"), { before, after }, 3000)).toBe(before);
  });

  it("is the first with the step as uncertainty where the clock was set back over the stamp", () => {
    const ahead = pairAt("2026-06-15T14:00:20", 1000);
    const found = pairFor(stamp("2026-06-15T14:00:05"), { before: ahead, after }, 8000);
    expect(found).toEqual({ ...ahead, uncertaintyMs: 1000 + 19_000 + 1000 });
  });

  it("is the second for a stamp of whole minutes whose minute the clock was set in", () => {
    const back = pairAt("2020-01-01T10:00:00", 1000);
    const minute = { ...stamp("2026-06-15T14:00:00"), second: null };
    const set = pairAt("2026-06-15T14:00:42", 2000);
    expect(pairFor(minute, { before: back, after: set }, 12_000)).toBe(set);
  });

  it("is the second for what was measured between the setting and the second reading", () => {
    const back = pairAt("2020-01-01T10:00:00", 1000);
    const set = pairAt("2026-06-15T14:00:08", 9000);
    expect(pairFor(stamp("2026-06-15T14:00:03"), { before: back, after: set }, 10_000)).toBe(set);
  });

  it("is the first for a record without a stamp", () => {
    expect(pairFor(null, { before, after }, 3000)).toBe(before);
  });
});

describe("clock exchange", () => {
  it("reads the sensor's clock in the middle of the round trip", () => {
    const pair = exchangePair("2026-06-15T14:00:00", arrival(1000), arrival(1200));
    expect(pair.hub.monoMs).toBe(1100);
    expect(pair.hub.utc).toBe(START + 1100);
    expect(pair.uncertaintyMs).toBe(1100);
  });

  it("says how far the sensor is ahead of the home's local time", () => {
    expect(aheadOf(pairAt("2026-06-15T14:01:00", 0), zone)).toBe(60_000);
    expect(aheadOf(pairAt("2026-06-15T12:00:00", 0), zone)).toBe(-7_200_000);
    expect(aheadOf(null, zone)).toBeNull();
  });

  it("sets a clock that is off, to the home's local time, and leaves one that is right", () => {
    expect(timeToSet(pairAt("2026-06-15T14:00:00", 0), arrival(100), zone)).toBeNull();
    expect(timeToSet(pairAt("2026-06-15T14:00:03", 0), arrival(100), zone)).toEqual(stamp("2026-06-15T14:00:00"));
    expect(timeToSet(null, arrival(100), zone)).toEqual(stamp("2026-06-15T14:00:00"));
  });

  it("sets no clock by a hub that does not know the time", () => {
    expect(timeToSet(null, { ...arrival(100), utc: null }, zone)).toBeNull();
  });
});
