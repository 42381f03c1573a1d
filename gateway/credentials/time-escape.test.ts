import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { CLOCK_FLOOR } from "../clock/judge-clock.ts";
import type { TimeAnswer } from "./region-time.ts";
import { createTimeEscape } from "./time-escape.ts";

const HOUR = minutes(60);

it("has the time proven each day, and each hour until it is", async () => {
  const clock = createSimulatedClock();
  let silent = true;
  let asked = 0;
  const offBy: number[] = [];
  const time = createTimeEscape({
    clock,
    logger: silentLogger,
    noted: () => CLOCK_FLOOR,
    signed: { current: () => null, proven: async () => undefined },
    ask: async (): Promise<TimeAnswer> => {
      asked += 1;
      if (silent) return { tag: "silent", found: "nobody" };
      return { tag: "proven", utc: epochMs(clock.now() - 7 * HOUR), errorMs: 10, at: clock.elapsed() };
    },
    onWrongClock: (byMs) => offBy.push(byMs),
    random: () => 0.5,
  });
  const stop = new AbortController();
  const running = time.run(stop.signal);
  await clock.advance(millis(3 * HOUR));
  expect(asked).toBe(3);
  expect(time.now()).toBeNull();
  silent = false;
  await clock.advance(millis(72 * HOUR));
  expect(asked).toBe(3 + 3);
  // Said once, though it is found each day.
  expect(offBy).toEqual([7 * HOUR]);
  const proven = time.now();
  expect((proven?.utc ?? 0) - clock.now()).toBe(-7 * HOUR);
  expect(proven?.errorMs).toBeGreaterThan(10);
  stop.abort(new Error("stop"));
  await running;
});
