import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createForwarder } from "../../gateway/forward/forwarder.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { createRegionReceiver, type RegionCounts } from "../../hardware-sim/region/receiver.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";
import { HUB, RECEIPT, stateOf } from "../forward/support/hub-under-test.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { createSlowLink, type LinkQuality, type Traffic } from "./slow-link.ts";
import { createWatch } from "./watched.ts";

export interface MonthOptions {
  /** Taken at one a minute while the region is away. */
  readonly offline: number;
  readonly quality: LinkQuality;
  /** Between two live readings, at rest and while the backlog drains. */
  readonly liveEvery: Millis;
}

/** How long each of some readings took from the disk to its effect at the region, in simulated time, ascending. */
export type Latencies = readonly number[];

export interface MonthResult {
  readonly taken: number;
  readonly counts: RegionCounts;
  /** What is left on the hub. */
  readonly waiting: number;
  readonly refused: number;
  readonly offlineMinutes: number;
  readonly drainMs: Millis;
  readonly atRest: Latencies;
  readonly whileDraining: Latencies;
  /** Numbers in the order in which they took effect after the outage. */
  readonly order: readonly number[];
  /** Highest number that was given when the link came back. */
  readonly newestAtReturn: number;
  readonly traffic: Traffic;
}

/** Live readings before the outage, for what is usual. */
const AT_REST = 300;

/** The share `p` of `sorted` is at most this. */
export const percentile = (sorted: Latencies, p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;

/**
 * A hub takes readings, the region goes away, readings go on at one a minute, the region comes back, and readings go on
 * while the backlog drains. The outbox and the forwarder are the real ones, the outbox on a real disk; clock, line and
 * region are simulated. Time stands still while the disk works, so that latencies are those of the queueing alone.
 */
export const liveThroughAMonth = async ({ offline, quality, liveEvery }: MonthOptions): Promise<MonthResult> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-month-"));
  const watch = createWatch();
  const clock = createSimulatedClock({ atRest: watch.atRest });
  const appendedAt = new Map<number, number>();
  const took = new Map<number, number>();
  const order: number[] = [];
  await using region = createRegionReceiver({
    clock,
    observe: (event) => {
      if (event.tag !== "accepted") return;
      const { seq } = event.accepted.reading;
      order.push(seq);
      took.set(seq, event.accepted.receivedAt - (appendedAt.get(seq) ?? Number.NaN));
    },
  });
  const broker = createMemoryBroker({ onDelivered: ({ topic, payload }) => region.receive(topic, payload) });
  region.attach(async (topic, payload) => broker.send(topic, payload));
  const link = createSlowLink(broker.connector({ subscriptions: [RECEIPT] }), quality, clock);

  const opened = await openSqliteOutbox({ directory: join(folder, "outbox"), clock, logger: silentLogger });
  const outbox = watch.over(opened);
  const forwarder = createForwarder({
    outbox,
    connector: link.connector,
    hub: HUB,
    clock,
    time: clock,
    logger: silentLogger,
    stateOf: () => stateOf(opened, clock),
    receipts: true,
    random: () => 0.5,
  });
  const stop = new AbortController();
  const running = forwarder.run(stop.signal);
  let taken = 0;

  const measure = async (): Promise<number> => {
    taken += 1;
    const at = clock.elapsed();
    const [appended] = await outbox.append([sampleReading(taken)]);
    const seq = appended?.seq ?? 0;
    appendedAt.set(seq, at);
    forwarder.wake();
    return seq;
  };
  const latenciesOf = (seqs: readonly number[]): Latencies =>
    seqs.map((seq) => took.get(seq) ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);

  await clock.advance(minutes(5));
  const rested: number[] = [];
  for (let i = 0; i < AT_REST; i++) {
    rested.push(await measure());
    await clock.advance(liveEvery);
  }
  await clock.advance(minutes(5));

  link.setReachable(false);
  broker.cut();
  for (let i = 0; i < offline; i++) {
    await measure();
    await clock.advance(minutes(1));
  }

  link.setReachable(true);
  const newestAtReturn = opened.depth().newest ?? 0;
  const effectsBefore = order.length;
  while (forwarder.status().state !== "up") await clock.advance(millis(100));
  const drainFrom = clock.elapsed();
  const live: number[] = [];
  // As long as anything of the outage waits.
  while ((opened.depth().oldest ?? Number.POSITIVE_INFINITY) <= newestAtReturn) {
    if (clock.elapsed() - drainFrom > DRAIN_DEADLINE) break;
    live.push(await measure());
    await clock.advance(liveEvery);
  }
  const drainMs = millis(clock.elapsed() - drainFrom);
  await clock.advance(minutes(10));

  stop.abort(new Error("the month is over"));
  await Promise.all([running, clock.advance(minutes(1))]);
  const { waiting, refused } = opened.depth();
  const result: MonthResult = {
    taken,
    counts: region.counts(),
    waiting,
    refused,
    offlineMinutes: offline,
    drainMs,
    atRest: latenciesOf(rested),
    whileDraining: latenciesOf(live),
    order: order.slice(effectsBefore),
    newestAtReturn,
    traffic: link.traffic,
  };
  await opened[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  return result;
};

/** A drain that takes longer has come to a standstill. */
const DRAIN_DEADLINE = minutes(24 * 60);
