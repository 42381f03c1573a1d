import { expect, it } from "vitest";
import type { Limits } from "./growth.ts";
import { expectSoundYear, leaksOf, liveThroughAYear } from "./year.ts";

/** Two days are too short to tell some of the compiler's memory from a leak, and long enough for a real one. */
const LIMITS: Limits = {
  heap: 800_000,
  external: 500_000,
  openFiles: 2,
  sleeping: 2,
  resources: 3,
  stored: 1_500_000,
  logged: 1000,
};

it("runs for days on numbers near 2^53 and grows by nothing, and what does grow is seen", async () => {
  const few = { days: 2, aDay: 48, seed: 3, deadlineMs: 200_000 };
  const [sound, leaking] = await Promise.all([liveThroughAYear(few), liveThroughAYear({ ...few, leak: true })]);
  expectSoundYear(sound);
  expect(leaksOf(sound, LIMITS)).toEqual([]);
  expect(leaksOf(leaking, LIMITS)).toEqual([
    expect.stringContaining("heap"),
    expect.stringContaining("openFiles"),
    expect.stringContaining("sleeping"),
  ]);
}, 210_000);
