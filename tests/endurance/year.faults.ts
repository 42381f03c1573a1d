import { expect, it } from "vitest";
import type { Limits } from "./growth.ts";
import { expectSoundYear, leaksOf, liveThroughAYear } from "./year.ts";

/** A reading has some 2 kB: keeping one of a hundred of a day's 144 for ever would show, and one file a month. */
const LIMITS: Limits = {
  heap: 3000,
  external: 3000,
  openFiles: 0.03,
  sleeping: 0.03,
  resources: 0.03,
  stored: 10_000,
  logged: 100,
};

it("F17: runs for a year at a reading every ten minutes, on numbers near 2^53, and grows by nothing", async () => {
  const year = await liveThroughAYear({ days: 365, aDay: 144, seed: 17, deadlineMs: 3_000_000 });
  expectSoundYear(year);
  expect(leaksOf(year, LIMITS)).toEqual([]);
  // The journal and the file of the outbox, whatever a year did to them.
  expect(Math.max(...year.samples.map(({ stored }) => stored))).toBeLessThan(16 * 1024 * 1024);
}, 3_100_000);
