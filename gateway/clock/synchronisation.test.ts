import { describe, expect, it } from "vitest";
import { epochMs, millis, minutes } from "../../protocol/time.ts";
import { ageOf, driftOfSkew, FRESH, type Synchronisation, withProven } from "./synchronisation.ts";

const NOW = epochMs(Date.UTC(2026, 10, 22, 12));
const KEPT: Synchronisation = {
  source: "chrony",
  reference: "192.0.2.7",
  stratum: 2,
  boundMs: 20,
  drift: 1e-5,
  ageMs: minutes(5),
  comparison: NOW,
};
const STALE: Synchronisation = { ...KEPT, ageMs: millis(FRESH + 1), boundMs: 500 };

/** The region says that the clock is ahead by `offset`. */
const said = (offset: number, errorMs = 300) => ({ utc: epochMs(NOW - offset), errorMs });

describe("a time that the region has signed", () => {
  it("changes nothing where there is none", () => {
    expect(withProven(KEPT, null, NOW)).toBe(KEPT);
    expect(withProven(null, null, NOW)).toBeNull();
  });

  it("bounds the error of a clock that nobody keeps", () => {
    expect(withProven(null, said(-150), NOW)).toMatchObject({ source: "region", boundMs: 450, drift: 50e-6 });
  });

  it("says nothing against a source that it agrees with, which knows better", () => {
    expect(withProven(KEPT, said(310), NOW)).toBe(KEPT);
    expect(withProven(STALE, said(100, 1000), NOW)).toBe(STALE);
  });

  it("counts against one that cannot be right, as NTP of somebody else", () => {
    expect(withProven(KEPT, said(3_600_000), NOW)).toMatchObject({ source: "chrony", boundMs: 3_600_300 });
    expect(withProven(STALE, said(-5000), NOW)).toMatchObject({ source: "region", boundMs: 5300 });
  });

  it("is better than a source that has not compared for long, where it knows more", () => {
    expect(withProven(STALE, said(50, 100), NOW)).toMatchObject({ source: "region", boundMs: 150 });
  });
});

it("takes the measured skew for drift, within what a crystal does", () => {
  const found = [0.01, 25, 400].map((skew) => driftOfSkew(skew) * 1e6);
  expect(found).toEqual([10, expect.closeTo(25), 50]);
});

it("knows a comparison in the future for a clock that was set back, and forgives the time between two looks", () => {
  expect(ageOf(NOW - 1000, NOW)).toBe(1000);
  expect(ageOf(NOW + 500, NOW)).toBe(0);
  expect(ageOf(NOW + 1500, NOW)).toBeNull();
  expect(ageOf(Number.NaN, NOW)).toBeNull();
});
