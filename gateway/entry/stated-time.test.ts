import { expect, it } from "vitest";
import { createZones } from "../../drivers/normalise/zone.ts";
import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import { entryTime, statedTime } from "./stated-time.ts";

const zone = createZones().zone("Europe/Stockholm");

const at = (iso: string | null, errorMs: number | null = 100): Arrival => ({
  utc: iso === null ? null : epochMs(Date.parse(iso)),
  bootId: "boot-1",
  monoMs: millis(5000),
  hubClock: iso === null ? { state: "unset", errorMs: null } : { state: "ntp", errorMs },
});

const start = (text: string, now = "2026-11-22T07:30:00Z"): string =>
  new Date(statedTime(text, zone, at(now)).utcMs).toISOString();

it.each([
  ["2026-11-22T08:15", "2026-11-22T07:15:00.000Z"],
  ["08:15", "2026-11-22T07:15:00.000Z"],
  ["2026-06-15T08:15", "2026-06-15T06:15:00.000Z"],
  ["2026-11-22T08:15+01:00", "2026-11-22T07:15:00.000Z"],
  ["2026-11-22T07:15Z", "2026-11-22T07:15:00.000Z"],
  // A watch that is a minute ahead of the hub.
  ["08:31", "2026-11-22T07:31:00.000Z"],
])("takes %s as the home's time", (text, utc) => {
  expect(start(text)).toBe(utc);
});

it("means today in the home, not in UTC", () => {
  expect(start("00:10", "2026-11-21T23:30:00Z")).toBe("2026-11-21T23:10:00.000Z");
});

it.each([
  ["2026-11-22T09:15", /is in the future; give the time of the measurement/],
  ["09:15", /in the future/],
  ["2026-11-22T08:15-01:00", /in the future/],
  ["2025-11-20T08:15", /more than a year ago; correct the year/],
  ["0202-11-22T08:15", /is no time of the calendar/],
  ["2026-02-30T08:15", /is no time of the calendar/],
  ["2026-00-22T08:15", /is no time of the calendar/],
  ["24:00", /is no time of the calendar/],
  ["2026-11-22T08:15+99:99", /is no time of the calendar/],
  ["2026-03-29T02:30", /was skipped when clocks were turned forward/],
  ["yesterday", /is no time; give it as 2026-11-22T08:15/],
  ["2026-11-22 08:15", /is no time/],
  ["", /is no time/],
])("refuses %j", (text, sentence) => {
  expect(() => start(text)).toThrow(sentence);
});

it("flags the hour that came twice, takes its first, and is told which by an offset", () => {
  const now = at("2026-10-25T08:00:00Z");
  const twice = statedTime("2026-10-25T02:30", zone, now);
  expect(new Date(twice.utcMs).toISOString()).toBe("2026-10-25T00:30:00.000Z");
  expect(twice.faults).toEqual(["dst-fold"]);
  expect(twice.uncertaintyMs).toBe(65 * 60_000);
  const told = statedTime("2026-10-25T02:30+01:00", zone, now);
  expect(new Date(told.utcMs).toISOString()).toBe("2026-10-25T01:30:00.000Z");
  expect(told.faults).toEqual([]);
  // During the first pass the second is in the future.
  expect(statedTime("02:30", zone, at("2026-10-25T00:40:00Z")).faults).toEqual([]);
});

it("needs the date where the hub does not know the day, and then cannot tell the future", () => {
  expect(() => statedTime("08:15", zone, at(null))).toThrow(/does not know what day it is; give the date too/);
  expect(statedTime("2026-11-22T08:15", zone, at(null)).utcMs).toBe(Date.UTC(2026, 10, 22, 7, 15));
});

it("says where the time came from, and keeps what was said", () => {
  const now = at("2026-11-22T07:30:00Z");
  expect(entryTime(statedTime("08:15", zone, now), null, now)).toMatchObject({
    start: "2026-11-22T07:15:00.000Z",
    basis: "stated",
    uncertaintyMs: 5 * 60_000,
    deviceRaw: { text: "08:15", offsetMin: null },
    received: { utc: "2026-11-22T07:30:00.000Z", bootId: "boot-1", monoMs: 5000 },
  });
  expect(entryTime(null, null, now)).toMatchObject({
    start: "2026-11-22T07:30:00.000Z",
    basis: "reception",
    uncertaintyMs: 15 * 60_000 + 100,
    deviceRaw: null,
  });
  expect(entryTime(null, null, at(null))).toMatchObject({ start: null, basis: "unknown", uncertaintyMs: null });
  expect(entryTime(null, null, at("2026-11-22T07:30:00Z", null)).uncertaintyMs).toBeNull();
});

it("keeps the time of what it puts right, unless another is stated", () => {
  const before = entryTime(null, null, at("2026-11-21T07:30:00Z"));
  const now = at("2026-11-22T07:30:00Z");
  expect(entryTime(null, before, now)).toMatchObject({
    start: before.start,
    received: { utc: "2026-11-22T07:30:00.000Z" },
  });
  expect(entryTime(statedTime("08:00", zone, now), before, now).start).toBe("2026-11-22T07:00:00.000Z");
});
