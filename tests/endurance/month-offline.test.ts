import { expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { expectFairOrder, expectLimitedRate, expectNothingLost, FIBRE, slowdown } from "./month-checks.ts";
import { liveThroughAMonth } from "./month-offline.ts";

it("keeps what is taken while the region is away for a day, and drains it past the live readings", async () => {
  const result = await liveThroughAMonth({ offline: 1440, quality: FIBRE, liveEvery: millis(40) });
  expectNothingLost(result);
  expectFairOrder(result);
  expectLimitedRate(result);
  expect(result.whileDraining.length).toBeGreaterThan(5);
  expect(slowdown(result)).toBeLessThanOrEqual(3);
}, 60_000);
