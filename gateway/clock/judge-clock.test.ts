import { expect, it } from "vitest";
import { epochMs, millis, minutes, seconds } from "../../protocol/time.ts";
import { CLOCK_CEILING, CLOCK_FLOOR, type ClockEvidence, judgeClock } from "./judge-clock.ts";
import { FRESH, type Synchronisation, UNKNOWN_DRIFT } from "./synchronisation.ts";

const NOW = epochMs(CLOCK_FLOOR + 86_400_000);

const sync = (changes: Partial<Synchronisation> = {}): Synchronisation => ({
  source: "chrony",
  reference: "192.0.2.7",
  stratum: 2,
  boundMs: 12.3,
  drift: UNKNOWN_DRIFT,
  ageMs: seconds(64),
  comparison: 0,
  ...changes,
});

const evidence = (changes: Partial<ClockEvidence> = {}): ClockEvidence => ({
  sync: null,
  sinceLook: millis(0),
  last: null,
  rtc: false,
  floor: CLOCK_FLOOR,
  ...changes,
});

const UNSET = { state: "unset", errorMs: null };

it("does not believe a clock before this version was made, whatever else it says", () => {
  expect(judgeClock(epochMs(0), evidence({ sync: sync(), rtc: true }))).toEqual(UNSET);
  expect(judgeClock(epochMs(CLOCK_FLOOR - 1), evidence())).toEqual(UNSET);
  expect(judgeClock(CLOCK_FLOOR, evidence()).state).toBe("holdover");
});

it("does not believe a clock of a time that this hub will not live to see", () => {
  expect(judgeClock(epochMs(Date.UTC(2099, 0, 1)), evidence({ sync: sync(), rtc: true }))).toEqual(UNSET);
  expect(judgeClock(CLOCK_CEILING, evidence())).toEqual(UNSET);
  expect(judgeClock(epochMs(CLOCK_CEILING - 1), evidence()).state).toBe("holdover");
});

it("prefers synchronisation over holdover of known error, over the clock chip, over hope", () => {
  const last = { sync: sync({ boundMs: 100 }), since: seconds(86_400) };
  expect(judgeClock(NOW, evidence({ sync: sync(), last, rtc: true }))).toEqual({ state: "ntp", errorMs: 13 });
  expect(judgeClock(NOW, evidence({ last, rtc: true }))).toEqual({ state: "holdover", errorMs: 4420 });
  expect(judgeClock(NOW, evidence({ rtc: true }))).toEqual({ state: "rtc", errorMs: null });
  expect(judgeClock(NOW, evidence())).toEqual({ state: "holdover", errorMs: null });
});

it("grows the error from what the source said by how well the frequency was known", () => {
  const last = { sync: sync({ boundMs: 2, drift: 10e-6 }), since: minutes(1000) };
  expect(judgeClock(NOW, evidence({ last }))).toEqual({ state: "holdover", errorMs: 602 });
  expect(judgeClock(NOW, evidence({ sync: sync({ boundMs: 2 }), sinceLook: seconds(30) })).errorMs).toBe(4);
});

it("calls a clock that nobody has compared for hours, or only very roughly, what it is", () => {
  expect(judgeClock(NOW, evidence({ sync: sync({ ageMs: FRESH }) })).state).toBe("ntp");
  expect(judgeClock(NOW, evidence({ sync: sync({ ageMs: millis(FRESH + 1) }) })).state).toBe("holdover");
  expect(judgeClock(NOW, evidence({ sync: sync({ boundMs: 16_001 }) }))).toEqual({
    state: "holdover",
    errorMs: 16_001,
  });
});

it("knows the error of a clock that nobody keeps by the region's word, and calls one that is a day off not set", () => {
  const region = (boundMs: number) => judgeClock(NOW, evidence({ sync: sync({ source: "region", boundMs }) }));
  expect(region(900)).toEqual({ state: "holdover", errorMs: 900 });
  expect(region(7_200_000)).toEqual({ state: "holdover", errorMs: 7_200_000 });
  expect(region(86_400_001)).toEqual(UNSET);
});

it("does not believe a clock that starts behind a time that has been, unless somebody keeps it", () => {
  const floor = epochMs(NOW + 1);
  expect(judgeClock(NOW, evidence({ floor, rtc: true }))).toEqual(UNSET);
  expect(judgeClock(floor, evidence({ floor, rtc: true })).state).toBe("rtc");
  expect(judgeClock(NOW, evidence({ floor, sync: sync() })).state).toBe("ntp");
});
