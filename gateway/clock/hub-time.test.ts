import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { epochMs, millis, seconds } from "../../protocol/time.ts";
import { CLOCK_CEILING, CLOCK_FLOOR, type ClockStep, createHubTime, judgeClock } from "./hub-time.ts";

const NOW = epochMs(CLOCK_FLOOR + 86_400_000);
const NOON = epochMs(Date.UTC(2026, 11, 15, 12));
const NONE = { synchronised: false, rtc: false };

describe("judgeClock", () => {
  it("does not believe a clock before this version was made, whatever else it says", () => {
    expect(judgeClock(epochMs(0), { synchronised: true, rtc: true }, millis(0))).toEqual({
      state: "unset",
      errorMs: null,
    });
    expect(judgeClock(epochMs(CLOCK_FLOOR - 1), NONE, null).state).toBe("unset");
    expect(judgeClock(CLOCK_FLOOR, NONE, null).state).toBe("holdover");
  });

  it("does not believe a clock of a time that this hub will not live to see", () => {
    expect(judgeClock(epochMs(Date.UTC(2099, 0, 1)), { synchronised: true, rtc: true }, millis(0)).state).toBe("unset");
    expect(judgeClock(CLOCK_CEILING, NONE, null).state).toBe("unset");
    expect(judgeClock(epochMs(CLOCK_CEILING - 1), NONE, null).state).toBe("holdover");
  });

  it("prefers synchronisation over holdover of known error, over the clock chip, over hope", () => {
    expect(judgeClock(NOW, { synchronised: true, rtc: true }, millis(0))).toEqual({ state: "ntp", errorMs: 100 });
    expect(judgeClock(NOW, { synchronised: false, rtc: true }, seconds(86_400))).toEqual({
      state: "holdover",
      errorMs: 4420,
    });
    expect(judgeClock(NOW, { synchronised: false, rtc: true }, null)).toEqual({ state: "rtc", errorMs: null });
    expect(judgeClock(NOW, NONE, null)).toEqual({ state: "holdover", errorMs: null });
  });
});

describe("createHubTime", () => {
  const options = (clock = createSimulatedClock({ startAt: NOW })) => ({
    clock,
    bootId: "boot-1",
    zeroAt: seconds(100),
    signs: async () => NONE,
  });

  it("counts monotonic stamps from the start of the machine", async () => {
    const clock = createSimulatedClock({ startAt: NOW });
    const time = createHubTime(options(clock));
    await clock.advance(seconds(5));
    expect(time.stamp()).toMatchObject({ bootId: "boot-1", monoMs: 105_000, utc: NOW + 5000 });
  });

  it("stamps no wall-clock time while the clock is not set, and does so as soon as it is", () => {
    const clock = createSimulatedClock({ startAt: epochMs(0) });
    const time = createHubTime(options(clock));
    expect(time.stamp()).toMatchObject({ utc: null, hubClock: { state: "unset", errorMs: null } });
    clock.setWallClock(NOW);
    expect(time.stamp()).toMatchObject({ utc: NOW, hubClock: { state: "holdover" } });
  });

  it("notices within 30 s that synchronisation came or went, and lets the error grow from then", async () => {
    const clock = createSimulatedClock({ startAt: NOW });
    let synchronised = false;
    const time = createHubTime({ ...options(clock), signs: async () => ({ synchronised, rtc: false }) });
    const stop = new AbortController();
    const running = time.run(stop.signal);
    await clock.advance(seconds(1));
    expect(time.stamp().hubClock).toEqual({ state: "holdover", errorMs: null });
    synchronised = true;
    await clock.advance(seconds(30));
    expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 100 });
    synchronised = false;
    await clock.advance(seconds(30));
    await clock.advance(seconds(10_000));
    const { state, errorMs } = time.stamp().hubClock;
    expect(state).toBe("holdover");
    expect(errorMs).toBeGreaterThan(600);
    stop.abort();
    await running;
  });

  describe("whose clock is set while it runs", () => {
    const HOUR = 3_600_000;

    it("does not claim to know the error until it has looked again", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      const time = createHubTime({ ...options(clock), signs: async () => ({ synchronised: true, rtc: false }) });
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 100 });
      clock.setWallClock(epochMs(NOON - 3 * HOUR));
      expect(time.stamp()).toMatchObject({ utc: NOON - 3 * HOUR, hubClock: { state: "holdover", errorMs: null } });
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 100 });
    });

    it("does not take the error of the clock that was for that of the clock that is", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      let synchronised = true;
      const time = createHubTime({ ...options(clock), signs: async () => ({ synchronised, rtc: false }) });
      await time.look();
      synchronised = false;
      clock.setWallClock(epochMs(NOON + HOUR));
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "holdover", errorMs: null });
    });

    it("says so, and by how much, and not that it was slewed", async () => {
      const clock = createSimulatedClock({ startAt: epochMs(0) });
      const steps: ClockStep[] = [];
      const time = createHubTime(options(clock));
      const stop = new AbortController();
      const running = time.run(stop.signal, (step) => steps.push(step));
      await clock.advance(seconds(60));
      clock.setWallClock(NOON);
      await clock.advance(seconds(30));
      clock.setWallClock(epochMs(clock.now() + 15));
      await clock.advance(seconds(60));
      clock.setWallClock(epochMs(clock.now() - 2 * HOUR));
      await clock.advance(seconds(30));
      stop.abort();
      await running;
      expect(steps).toEqual([
        { byMs: NOON - 60_000, before: "unset", after: "holdover" },
        { byMs: -2 * HOUR, before: "holdover", after: "holdover" },
      ]);
    });

    it("keeps the order of arrivals: monotonic stamps do not jump", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      const time = createHubTime(options(clock));
      const first = time.stamp();
      await clock.advance(seconds(1));
      clock.setWallClock(epochMs(NOON - 5 * HOUR));
      expect(time.stamp().monoMs - first.monoMs).toBe(1000);
    });
  });
});
