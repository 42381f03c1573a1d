import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import {
  createRegion,
  deliveredSeqs,
  eventsOf,
  type HubUnderTest,
  type HubUnderTestOptions,
  RECEIPT,
  startHub,
} from "./support/hub-under-test.ts";
import { createStage } from "./support/scene.ts";

let clock: SimulatedClock;
let broker: MemoryBroker;
let region: RegionReceiver;
let hubs: HubUnderTest[];

beforeEach(() => {
  clock = createSimulatedClock();
  ({ broker, region } = createRegion(clock));
  hubs = [];
});
afterEach(async () => {
  for (const hub of hubs) await hub[Symbol.asyncDispose]();
  await region[Symbol.asyncDispose]();
});
const start = (options: HubUnderTestOptions = {}): HubUnderTest => {
  const hub = startHub({ clock, broker, ...options });
  hubs.push(hub);
  return hub;
};
const text = (content: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(content));

/** An outbox that counts what it has to settle, and settles nothing while `gate` is not open. */
const gated = () => {
  const gate = Promise.withResolvers<void>();
  let closed = false;
  let calls = 0;
  const wrap = (inner: Outbox): Outbox => ({
    ...inner,
    depth: inner.depth,
    settle: async (receipt) => {
      calls += 1;
      if (closed) await gate.promise;
      return await inner.settle(receipt);
    },
  });
  return {
    wrap,
    close: () => {
      closed = true;
    },
    open: () => {
      closed = false;
      gate.resolve();
    },
    calls: () => calls,
  };
};

describe("a hub whose region", () => {
  it.each([seconds(30), seconds(90), minutes(20)])(
    "receipts %i ms late delivers once in effect, and sends again ever more rarely",
    async (late) => {
      region.setFaults({ delayReceipts: late });
      const hub = start();
      await hub.measure(20);
      for (let i = 0; i < 120 && hub.outbox.depth().waiting > 0; i++) await clock.advance(minutes(1));
      expect(hub.outbox.depth()).toMatchObject({ waiting: 0, refused: 0 });
      expect(region.counts()).toMatchObject({ accepted: 20, duplicatesInEffect: 0 });
      // After 1, 3, 7, 15 minutes: as often as the delay doubles past the first minute, and once more.
      const times = deliveredSeqs(broker).length / 20;
      expect(times).toBeLessThanOrEqual(2 + Math.max(0, Math.log2(late / 60_000)));
      expect(times).toBeGreaterThanOrEqual(late > 60_000 ? 2 : 1);
    },
  );

  it("refuses everything keeps all of it, tells once a minute at most, and sends nothing twice", async () => {
    region.setFaults({ refuse: () => "assignment not known" });
    const hub = start();
    for (let minute = 0; minute < 30; minute++) {
      await hub.measure(10);
      await clock.advance(minutes(1));
    }
    expect(hub.outbox.depth()).toMatchObject({ waiting: 0, refused: 300 });
    expect(deliveredSeqs(broker)).toHaveLength(300);
    const alarms = eventsOf(broker).filter(({ code }) => code === "reading-refused");
    expect(alarms.length).toBeGreaterThan(0);
    expect(alarms.length).toBeLessThanOrEqual(30);
    expect(alarms.every(({ severity }) => severity === "alarm")).toBe(true);
    // They are not lost: the region may ask for them after all.
    region.setFaults({});
    expect(hub.forwarder.status()).toMatchObject({ refused: 300, waiting: 0, trouble: null });
  });

  it("sends one receipt 20 000 times makes it write once, and goes on", async () => {
    const disk = gated();
    const hub = start({ outbox: disk.wrap });
    await hub.measure(50);
    await hub.settle();
    const before = disk.calls();
    disk.close();
    for (let i = 0; i < 20_000; i++) broker.send(RECEIPT, text({ through: 50, missing: [[1, 10]] }));
    await hub.settle();
    disk.open();
    await hub.settle();
    expect(disk.calls() - before).toBeLessThanOrEqual(3);
    await hub.measure();
    await clock.advance(seconds(5));
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(region.counts()).toMatchObject({ accepted: 51, duplicatesInEffect: 0 });
  });
});

describe("a hub over a real connection whose region", () => {
  const stage = createStage();

  it("floods it with receipts faster than its disk takes them ends the link, and lives", async () => {
    const disk = gated();
    const {
      broker: flooding,
      hub,
      allReceipted,
      status,
      region: answering,
    } = await stage.scene(wellBehaved, 100, {
      outbox: disk.wrap,
    });
    await allReceipted();
    disk.close();
    // Each knows less than the one before, so none speaks for another: 20 000 wait for the disk, 1000 before them.
    for (let i = 0; i < 30_000; i++) flooding.send(RECEIPT, text({ through: 100 - (i % 100) }));
    await until(() => flooding.openConnections === 0, "the hub ends the link");
    disk.open();
    await stage.passing(() => status().lastError !== null, "the hub says why", millis(100));
    expect(status().lastError?.message).toContain("the broker floods the hub with messages");
    await hub.measure();
    await allReceipted();
    expect(answering.counts()).toMatchObject({ accepted: 101, duplicatesInEffect: 0 });
  });
});
