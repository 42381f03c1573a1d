import { expect } from "vitest";
import { MOST_BATCH_BYTES, MOST_IN_FLIGHT } from "../../gateway/forward/pace.ts";
import { millis } from "../../protocol/time.ts";
import type { MonthResult } from "./month-offline.ts";
import { percentile } from "./month-offline.ts";
import type { LinkQuality } from "./slow-link.ts";

/** 100 Mbit/s upwards, as fibre to the home has it. */
export const FIBRE: LinkQuality = { roundTrip: millis(30), bytesPerSecond: 12_500_000 };
/** 10 Mbit/s upwards, as a good mobile connection or cable has it. */
export const MOBILE: LinkQuality = { roundTrip: millis(50), bytesPerSecond: 1_250_000 };

/** One live reading that did not fit the batch before may make it as long again. */
const MOST_BYTES_IN_FLIGHT = MOST_IN_FLIGHT * (MOST_BATCH_BYTES + 4096);
/** What the lane of live readings takes first when a link comes up (gateway/forward/lanes.ts). */
const NEWEST_AT_FIRST = 64;

/** What holds for every outage, whatever the line. */
export const expectNothingLost = (month: MonthResult): void => {
  expect(month.counts).toMatchObject({
    accepted: month.taken,
    refused: 0,
    duplicatesInEffect: 0,
    gaps: 0,
    unreadable: 0,
    numberingRestarts: 0,
  });
  expect({ waiting: month.waiting, refused: month.refused }).toEqual({ waiting: 0, refused: 0 });
  expect(new Set(month.order).size).toBe(month.order.length);
};

/** The newest go first; then the backlog goes up from the oldest, and live readings pass it. */
export const expectFairOrder = ({ order, newestAtReturn, whileDraining }: MonthResult): void => {
  const newest = order.slice(0, 6).filter((seq) => seq > newestAtReturn - NEWEST_AT_FIRST);
  expect(newest).toHaveLength(6);
  expect(order.slice(0, NEWEST_AT_FIRST)).toContain(newestAtReturn);
  const backlog = order.filter((seq) => seq <= newestAtReturn - NEWEST_AT_FIRST);
  expect(backlog).toEqual(backlog.toSorted((a, b) => a - b));
  const live = order.flatMap((seq, place) => (seq > newestAtReturn ? [place] : []));
  const lastOfBacklog = order.lastIndexOf(backlog.at(-1) ?? 0);
  const passing = live.filter((place) => place < lastOfBacklog);
  // All but those that were taken when the last of the backlog was on its way already.
  expect(passing.length).toBeGreaterThan(whileDraining.length / 3);
};

/** Never more under way than the broker is asked to hold, never all at once, and no busy loop while it is away. */
export const expectLimitedRate = ({ traffic, offlineMinutes }: MonthResult): void => {
  // Full jitter between 1 s and 5 min, with the roll fixed in the middle: 2.5 min.
  expect(traffic.inVain).toBeGreaterThan(offlineMinutes / 6);
  expect(traffic.inVain).toBeLessThan(offlineMinutes / 2 + 10);
  expect(traffic.mostInFlight).toBeLessThanOrEqual(MOST_IN_FLIGHT);
  expect(traffic.mostBytesInFlight).toBeLessThanOrEqual(MOST_BYTES_IN_FLIGHT);
};

export const slowdown = ({ atRest, whileDraining }: MonthResult): number =>
  percentile(whileDraining, 0.99) / percentile(atRest, 0.99);
