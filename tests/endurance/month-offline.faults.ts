import { expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { expectFairOrder, expectLimitedRate, expectNothingLost, FIBRE, MOBILE, slowdown } from "./month-checks.ts";
import { liveThroughAMonth } from "./month-offline.ts";

/** 30 days at one reading a minute. */
const MONTH = 43_200;

it("F18: keeps the 43 200 readings of a month offline, and live readings pass them while they drain", async () => {
  const result = await liveThroughAMonth({ offline: MONTH, quality: FIBRE, liveEvery: millis(100) });
  expectNothingLost(result);
  expectFairOrder(result);
  expectLimitedRate(result);
  expect(slowdown(result)).toBeLessThanOrEqual(3);
});

it("F18: drains a month over a line that the backlog could fill, and lets live readings pass it", async () => {
  const result = await liveThroughAMonth({ offline: MONTH, quality: MOBILE, liveEvery: millis(500) });
  expectNothingLost(result);
  expectFairOrder(result);
  expectLimitedRate(result);
  expect(slowdown(result)).toBeLessThanOrEqual(3);
});
