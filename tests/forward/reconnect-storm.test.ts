import { expect, it } from "vitest";
import { type LinkStep, LONGEST_BACKOFF, nextLinkStep, SHORTEST_BACKOFF } from "../../gateway/forward/link-machine.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { millis } from "../../protocol/time.ts";

const HUBS = 500;
const LONGEST_S = LONGEST_BACKOFF / 1000;
const HOUR_S = 3600;

/** Counts of independent arrivals scatter by the root of their mean; 8 of it is passed once in 10^7 seconds. */
const scattered = (mean: number): number => mean + 8 * Math.sqrt(mean);

interface Storm {
  /** Attempts of all hubs by the time since the loss, in buckets of `bucketMs`. */
  attempts(bucketMs: number): readonly number[];
  /** When each hub was connected again, in seconds, ascending. */
  readonly back: readonly number[];
}

/**
 * All hubs lose the same broker at once, after a stable link. `admits` says whether it takes an attempt at `atS`, the
 * number `n` in its second.
 */
const storm = (admits: (atS: number, n: number) => boolean, roll: () => number, untilS: number): Storm => {
  const times: number[] = [];
  const back: number[] = [];
  const perSecond = new Map<number, number>();
  /** Hubs that wait, by the time at which they try again. */
  const waiting: { at: number; step: LinkStep }[] = [];
  const delayed = (step: LinkStep, now: number): { at: number; step: LinkStep } => {
    if (step.effect.tag !== "wait") throw new Error(`a hub that lost its link does ${step.effect.tag}`);
    return { at: now + step.effect.delay, step };
  };
  for (let hub = 0; hub < HUBS; hub++) {
    const up = { tag: "up", failures: 0, since: millis(0) } as const;
    const lost = nextLinkStep(up, { tag: "lost", fault: "network", at: millis(3_600_000), roll: roll() });
    waiting.push(delayed(lost, 0));
  }
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at);
    const next = waiting.pop();
    if (next === undefined || next.at > untilS * 1000) break;
    const { at } = next;
    times.push(at);
    const second = Math.floor(at / 1000);
    const n = perSecond.get(second) ?? 0;
    perSecond.set(second, n + 1);
    const { state } = nextLinkStep(next.step.state, { tag: "waited" });
    if (admits(at / 1000, n)) back.push(at / 1000);
    else waiting.push(delayed(nextLinkStep(state, { tag: "failed", fault: "network", roll: roll() }), at));
  }
  return {
    attempts: (bucketMs) => {
      const counts: number[] = Array.from({ length: Math.ceil((untilS * 1000) / bucketMs) + 1 }, () => 0);
      for (const at of times) counts[Math.floor(at / bucketMs)] = (counts[Math.floor(at / bucketMs)] ?? 0) + 1;
      return counts;
    },
    back,
  };
};

const seed = Date.now() % 1_000_000;
const rolling = (name: string): (() => number) => createChance(seed).fork(name).fraction;

it("R18 500 hubs that lose their region come back spread, however long it was away", () => {
  const outageS = HOUR_S / 2;
  const { attempts, back } = storm((atS) => atS >= outageS, rolling("long outage"), HOUR_S);
  const perSecond = attempts(1000);
  // Each waits (1 s + 300 s) / 2 on average between attempts once its ceiling is reached, after 2 + 4 ... + 256 s.
  const steady = HUBS / ((SHORTEST_BACKOFF / 1000 + LONGEST_S) / 2);
  const told = `seed ${seed}`;
  expect(Math.max(...perSecond.slice(900, outageS)), told).toBeLessThan(scattered(steady));
  // The broker is back: what comes is what would have come anyway, and everybody within one longest back-off.
  expect(Math.max(...perSecond.slice(outageS)), told).toBeLessThan(scattered(steady));
  expect(back, told).toHaveLength(HUBS);
  expect(back.at(-1), told).toBeLessThan(outageS + LONGEST_S);
  // Not bunched: a third of the longest back-off brings its share, which falls evenly to nothing (5/9, 3/9, 1/9).
  const thirds = [0, 1, 2].map((n) => back.filter((at) => Math.floor((at - outageS) / (LONGEST_S / 3)) === n).length);
  for (const [n, share] of [5 / 9, 3 / 9, 1 / 9].entries()) {
    expect(Math.abs((thirds[n] ?? 0) - HUBS * share), told).toBeLessThan(8 * Math.sqrt(HUBS * share * (1 - share)));
  }
});

it("R18 after a loss that is over at once they come within a second, and not in an instant", () => {
  const { attempts, back } = storm(() => true, rolling("blip"), 60);
  // Evenly over 1 s to 2 s: 5 in each hundredth of a second.
  expect(Math.max(...attempts(10)), `seed ${seed}`).toBeLessThan(scattered(HUBS / 100));
  expect(back[0]).toBeGreaterThanOrEqual(1);
  expect(back.at(-1)).toBeLessThanOrEqual(2);
});

it("R18 a broker that manages 20 handshakes a second has them all within ten minutes, and is asked less and less", () => {
  const { attempts, back } = storm((_atS, n) => n < 20, rolling("slow broker"), HOUR_S);
  const told = `seed ${seed}`;
  expect(back, told).toHaveLength(HUBS);
  expect(back.at(-1), told).toBeLessThan(600);
  const perSecond = attempts(1000);
  const peakAfter = (s: number): number => Math.max(...perSecond.slice(s));
  expect(peakAfter(4), told).toBeLessThan(scattered(HUBS / 4));
  expect(peakAfter(16), told).toBeLessThan(scattered(HUBS / 16));
  expect(peakAfter(64), told).toBeLessThan(scattered(HUBS / 64));
});

it("R18 the bound would show hubs without jitter", () => {
  const { attempts } = storm(
    (atS) => atS >= HOUR_S / 2,
    () => 0.5,
    HOUR_S,
  );
  expect(Math.max(...attempts(1000).slice(900))).toBe(HUBS);
});
