import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { epochMs, minutes, seconds } from "../../protocol/time.ts";
import { type ClockSigns, type ClockStep, createHubTime } from "./hub-time.ts";
import { CLOCK_FLOOR } from "./judge-clock.ts";
import { type Synchronisation, UNKNOWN_DRIFT } from "./synchronisation.ts";

const NOW = epochMs(CLOCK_FLOOR + 86_400_000);
const NOON = epochMs(Date.UTC(2026, 11, 15, 12));
const NONE: ClockSigns = { sync: null, rtc: false, answers: {} };

/** Kept by chrony, which compared it at `comparison`. */
const kept = (comparison = 0, changes: Partial<Synchronisation> = {}): ClockSigns => ({
  ...NONE,
  sync: {
    source: "chrony",
    reference: "192.0.2.7",
    stratum: 2,
    boundMs: 20,
    drift: UNKNOWN_DRIFT,
    ageMs: seconds(60),
    comparison,
    ...changes,
  },
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
    let signs = NONE;
    const time = createHubTime({ ...options(clock), signs: async () => signs });
    const stop = new AbortController();
    const running = time.run(stop.signal);
    await clock.advance(seconds(1));
    expect(time.stamp().hubClock).toEqual({ state: "holdover", errorMs: null });
    signs = kept();
    await clock.advance(seconds(30));
    expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 21 });
    expect(time.status()).toMatchObject({ state: "ntp", last: { sync: { source: "chrony", stratum: 2 } } });
    signs = NONE;
    await clock.advance(seconds(30));
    await clock.advance(seconds(10_000));
    const { state, errorMs } = time.stamp().hubClock;
    expect(state).toBe("holdover");
    expect(errorMs).toBeGreaterThan(520);
    expect(errorMs).toBeLessThan(530);
    const { stateFor, last } = time.status();
    expect(stateFor).toBeGreaterThanOrEqual(9_990_000);
    expect(last).toMatchObject({ sync: { source: "chrony" }, since: expect.any(Number) });
    stop.abort();
    await running;
  });

  describe("whose clock is set while it runs", () => {
    const HOUR = 3_600_000;

    it("does not claim to know the error until the clock was compared anew", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      let signs = kept(NOON);
      const time = createHubTime({ ...options(clock), signs: async () => signs });
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 20 });
      clock.setWallClock(epochMs(NOON + HOUR));
      const unknown = { utc: NOON + HOUR, hubClock: { state: "holdover", errorMs: null } };
      expect(time.stamp()).toMatchObject(unknown);
      // The daemon was not asked, and says what it found before; slewing has moved that by a little.
      signs = kept(NOON + 400, { ageMs: minutes(61) });
      await time.look();
      await time.look();
      expect(time.stamp()).toMatchObject(unknown);
      signs = kept(NOON + HOUR);
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "ntp", errorMs: 20 });
    });

    it("does not take the error of the clock that was for that of the clock that is", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      let signs = kept();
      const time = createHubTime({ ...options(clock), signs: async () => signs });
      await time.look();
      signs = NONE;
      clock.setWallClock(epochMs(NOON + HOUR));
      await time.look();
      expect(time.stamp().hubClock).toEqual({ state: "holdover", errorMs: null });
    });

    it("knows one that is set back behind a time that has been for what it is", async () => {
      const clock = createSimulatedClock({ startAt: NOON });
      const time = createHubTime({ ...options(clock), floor: () => NOON });
      await time.look();
      expect(time.stamp().hubClock.state).toBe("holdover");
      clock.setWallClock(epochMs(NOON - HOUR));
      expect(time.stamp()).toMatchObject({ utc: null, hubClock: { state: "unset" } });
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
