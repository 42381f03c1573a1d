import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs, isoUtc, utcOfIso } from "./time.ts";

const YEAR_0 = -62_167_219_200_000;
const YEAR_10000 = 253_402_300_800_000;

describe("isoUtc", () => {
  it("is what Date makes of the same time", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (ms) => {
        expect(isoUtc(epochMs(ms))).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 2000 },
    );
  });

  it.each([0, -1, 0.5, -0.5, -0, YEAR_0, YEAR_0 - 1, YEAR_10000, YEAR_10000 - 1, 951_782_400_000, 951_868_799_999])(
    "is so at %d too",
    (ms) => {
      expect(isoUtc(epochMs(ms))).toBe(new Date(ms).toISOString());
    },
  );

  it("is so at the first and the last millisecond of every day of 800 years", () => {
    for (let day = Date.UTC(1600, 0, 1); day < Date.UTC(2400, 0, 1); day += 86_400_000) {
      for (const ms of [day, day + 86_399_999]) {
        if (isoUtc(epochMs(ms)) !== new Date(ms).toISOString()) expect.fail(new Date(ms).toISOString());
      }
    }
  });

  it("throws where Date does", () => {
    expect(() => isoUtc(epochMs(Number.NaN))).toThrow(RangeError);
    expect(() => isoUtc(epochMs(8.64e15 + 1))).toThrow(RangeError);
  });
});

it("reads back what it has written", () => {
  fc.assert(
    fc.property(fc.integer({ min: YEAR_0, max: YEAR_10000 - 1 }), (ms) => {
      expect(utcOfIso(isoUtc(epochMs(ms)))).toBe(ms);
    }),
    { numRuns: 2000 },
  );
});
