import { expect, it } from "vitest";
import { growing, type Sample, slopeOf } from "./growth.ts";

const LIMITS = {
  heap: 3000,
  external: 3000,
  openFiles: 0.03,
  sleeping: 0.03,
  resources: 0.03,
  stored: 10_000,
  logged: 50,
};

/** A year of samples, each value with a swing that comes back. */
const year = (perDay: Partial<Sample>): readonly Sample[] =>
  Array.from({ length: 365 }, (_, day) => {
    const at = (name: keyof Sample, base: number, swing: number): number =>
      base + swing * Math.sin(day) + (perDay[name] ?? 0) * day;
    return {
      day,
      heap: at("heap", 16e6, 200_000),
      external: at("external", 10e6, 65_536),
      openFiles: at("openFiles", 27, 2),
      sleeping: at("sleeping", 4, 2),
      resources: at("resources", 2, 2),
      stored: at("stored", 2e6, 1e6),
      logged: at("logged", 58_000, 3000),
    };
  });

it("finds the slope of a line", () => {
  expect(
    slopeOf([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toBeCloseTo(2);
  expect(
    slopeOf([
      [0, 1],
      [1, 1],
      [2, 1],
    ]),
  ).toBe(0);
});

it("lets values swing, and names each one that grows", () => {
  expect(growing(year({}), LIMITS)).toEqual([]);
  expect(growing(year({ heap: 4000 }), LIMITS)).toEqual([expect.stringContaining("heap grows by")]);
  // One file a month.
  expect(growing(year({ openFiles: 1 / 30 }), LIMITS)).toEqual([expect.stringContaining("openFiles grows by 0.03")]);
  expect(growing(year({ sleeping: 0.1, stored: 20_000 }), LIMITS)).toHaveLength(2);
});
