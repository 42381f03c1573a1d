import { describe, expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { firstPace, MOST_BATCH_BYTES, MOST_IN_FLIGHT, type Pace, paceAfterAck, paceAfterLoss } from "./pace.ts";

const acks = (pace: Pace, roundTrips: readonly number[]): Pace =>
  roundTrips.reduce((now, roundTrip) => paceAfterAck(now, millis(roundTrip), true), pace);
const many = (roundTrip: number, count = 20): number[] => Array.from({ length: count }, () => roundTrip);

describe("the pace of batches", () => {
  it("grows to its limits on a quick link, and on a long one that does not queue", () => {
    for (const roundTrip of [3, 60, 600]) {
      expect(acks(firstPace, many(roundTrip))).toMatchObject({ bytes: MOST_BATCH_BYTES, window: MOST_IN_FLIGHT });
    }
  });

  it("shrinks when round trips show a queue, down to about one reading", () => {
    const grown = acks(firstPace, many(10));
    const queued = acks(grown, many(1500));
    expect(queued).toMatchObject({ bytes: 2048, window: 2 });
  });

  it("stays where it is between quick and slow", () => {
    const grown = acks(firstPace, [10, 10]);
    const after = acks(grown, many(40, 3));
    expect(after.bytes).toBe(grown.bytes);
    expect(after.window).toBe(grown.window);
  });

  it("grows on a link whose every answer takes long because of the distance, and not because of a queue", () => {
    expect(acks(firstPace, many(2100, 60))).toMatchObject({ bytes: MOST_BATCH_BYTES, window: MOST_IN_FLIGHT });
  });

  it("learns that a link has got longer, and does not take its own queue for that", () => {
    const grown = acks(firstPace, many(10));
    expect(acks(grown, many(300, 300))).toMatchObject({ bytes: MOST_BATCH_BYTES, window: MOST_IN_FLIGHT });
    // A line of 1 MB/s and 20 ms: what is under way takes its time, and stays below twice the idle link's.
    let pace = firstPace;
    for (let i = 0; i < 500; i++) pace = paceAfterAck(pace, millis(20 + (pace.bytes * (pace.window - 1)) / 1000), true);
    expect((pace.bytes * (pace.window - 1)) / 1000).toBeLessThan(60);
  });

  it("does not grow for batches that were not full", () => {
    const after = Array.from({ length: 20 }).reduce<Pace>((pace) => paceAfterAck(pace, millis(5), false), firstPace);
    expect(after.bytes).toBe(firstPace.bytes);
  });

  it("settles on a link of 9.6 kbit/s without filling it for minutes", () => {
    // Each message waits for the bytes of all that are in flight before it.
    let pace = firstPace;
    for (let i = 0; i < 100; i++) pace = paceAfterAck(pace, millis(200 + (pace.bytes * pace.window) / 1.2), true);
    expect((pace.bytes * pace.window) / 1.2).toBeLessThan(10_000);
  });

  it("stays below half of what broke a link, and comes back to it only slowly", () => {
    const grown = acks(firstPace, many(10));
    const broken = paceAfterLoss(grown, 100_000);
    expect(broken).toMatchObject({ ceiling: 50_000, bytes: 50_000, window: 2 });
    expect(acks(broken, many(10, 20)).bytes).toBeLessThan(80_000);
    expect(acks(broken, many(10, 200)).bytes).toBe(MOST_BATCH_BYTES);
  });
});
