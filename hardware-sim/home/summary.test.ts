import { describe, expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { accountOf } from "./account.ts";
import { percentile, type SummaryParts, summaryOf } from "./summary.ts";

const parts = (over: Partial<SummaryParts> = {}): SummaryParts => ({
  account: accountOf({ truths: [], streams: [], accepted: [], outages: [] }),
  region: {
    accepted: 0,
    refused: 0,
    duplicatesReceived: 0,
    duplicatesInEffect: 0,
    gaps: 0,
    unreadable: 0,
    numberingRestarts: 0,
    receiptsSent: 0,
    receiptsLost: 0,
  },
  storedSeqs: new Set([1, 2]),
  sentSeqs: new Set([2]),
  applied: [],
  acceptedSeqs: new Set([2, 3]),
  receipted: 2,
  drained: true,
  hub: { starts: 1, exitCode: 0, rssMb: { now: 71.44, most: 80 } },
  elapsed: millis(30_049),
  scenario: "day",
  seed: 1,
  updates: { installed: 0, rolledBack: 0 },
  updatesMissing: [],
  ...over,
});

describe("summary", () => {
  it("takes percentiles by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNull();
  });

  it("counts as stored and sent also what a killed hub could no longer log", () => {
    expect(summaryOf(parts())).toMatchObject({ stored: 3, sent: 2, receipted: 2, rssMb: 71.4, seconds: 30 });
  });

  it.each([
    [{ drained: false }, /in time/],
    [{ updatesMissing: ["release 1 (good) is rejected"] }, /release 1 \(good\) is rejected/],
    [{ hub: { starts: 1, exitCode: 4, rssMb: { now: 0, most: 0 } } }, /ended with code 4/],
    [{ hub: { starts: 1, exitCode: null, rssMb: { now: 0, most: 0 } } }, /ended with a signal/],
    [{ region: { ...parts().region, gaps: 2 } }, /numbers missing at the region: 2/],
    [{ region: { ...parts().region, refused: 1 } }, /refused by the region: 1/],
    [{ region: { ...parts().region, numberingRestarts: 1 } }, /began its numbers again/],
    [{ region: { ...parts().region, unreadable: 1 } }, /could not read: 1/],
    [{ region: { ...parts().region, duplicatesInEffect: 1 } }, /took effect twice/],
  ] as const)("names as a problem: %j", (over, message) => {
    expect(summaryOf(parts()).problems).toEqual([]);
    expect(summaryOf(parts(over as Partial<SummaryParts>)).problems.join()).toMatch(message);
  });
});
