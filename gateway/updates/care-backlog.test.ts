import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Seq } from "../../protocol/ids.ts";
import { minutes } from "../../protocol/time.ts";
import { createBacklogWatch } from "./care-backlog.ts";

const begin = (newest: number, oldest: number | null) => {
  const clock = createSimulatedClock();
  const outbox = { newest, oldest };
  const stop = new AbortController();
  const watch = createBacklogWatch(() => {
    const waiting = outbox.oldest === null ? 0 : outbox.newest - outbox.oldest + 1;
    return { waiting, refused: 0, oldest: outbox.oldest as Seq | null, newest: outbox.newest as Seq };
  }, clock);
  const running = watch.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { clock, outbox, watch, end };
};

it("of readings that waited before it began to look no age is known", async () => {
  const { clock, watch, end } = begin(100, 90);
  await clock.advance(minutes(30));
  expect(watch.now()).toEqual({ waiting: 11, oldestAgeMs: null, isDraining: false });
  await end();
});

it("the oldest reading is at most as old as the last look before it", async () => {
  const { clock, outbox, watch, end } = begin(100, null);
  expect(watch.now()).toEqual({ waiting: 0, oldestAgeMs: null, isDraining: false });
  await clock.advance(minutes(3.5));
  Object.assign(outbox, { newest: 101, oldest: 101 });
  expect(watch.now().oldestAgeMs).toBe(minutes(0.5));
  await clock.advance(minutes(4));
  expect(watch.now().oldestAgeMs).toBe(minutes(4.5));
  // Longer ago than it remembers: old.
  await clock.advance(minutes(30));
  expect(watch.now().oldestAgeMs).toBeNull();
  await end();
});

it("a backlog drains while the region takes readings, also where new ones come meanwhile", async () => {
  const { clock, outbox, watch, end } = begin(100, 1);
  await clock.advance(minutes(2.5));
  Object.assign(outbox, { newest: 150, oldest: 1 });
  expect(watch.now().isDraining).toBe(false);
  Object.assign(outbox, { oldest: 20 });
  expect(watch.now()).toMatchObject({ waiting: 131, isDraining: true });
  await clock.advance(minutes(11));
  expect(watch.now().isDraining).toBe(false);
  await end();
});

it("begins anew where the numbers do", async () => {
  const { clock, outbox, watch, end } = begin(100, 1);
  await clock.advance(minutes(2));
  Object.assign(outbox, { newest: 3, oldest: 1 });
  await clock.advance(minutes(2.5));
  expect(watch.now()).toEqual({ waiting: 3, oldestAgeMs: null, isDraining: false });
  Object.assign(outbox, { newest: 4, oldest: 4 });
  expect(watch.now()).toEqual({ waiting: 1, oldestAgeMs: minutes(0.5), isDraining: true });
  await end();
});
