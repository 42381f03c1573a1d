import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutboxDisk } from "../../hardware-sim/ports/memory-outbox.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import {
  createRegion,
  deliveredSeqs,
  eventsOf,
  fill,
  type HubUnderTest,
  type HubUnderTestOptions,
  READING,
  RECEIPT,
  seqsIn,
  startHub,
  statesOf,
} from "./support/hub-under-test.ts";

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
/** The region names gaps after half a second: time has to pass while a backlog drains. */
const drained = async (hub: HubUnderTest): Promise<void> => {
  for (let i = 0; i < 300 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(100));
  expect(hub.outbox.depth().waiting).toBe(0);
};
const text = (content: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(content));

describe("the forwarder, with a region that answers,", () => {
  it("sends a reading when it is woken and settles it by the receipt, without any time passing", async () => {
    const hub = start();
    await hub.settle();
    await hub.measure();
    await hub.settle();
    expect(region.counts().accepted).toBe(1);
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(clock.elapsed()).toBe(0);
  });

  it("finds what waits at its start without being woken", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 3);
    const hub = start({ disk });
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("does not count a PUBACK as delivery: it sends again after a minute without receipt, and the effect is one", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(3);
    await hub.settle();
    expect(deliveredSeqs(broker)).toEqual([1, 2, 3]);
    await clock.advance(seconds(59));
    expect(deliveredSeqs(broker)).toEqual([1, 2, 3]);
    expect(hub.outbox.depth().waiting).toBe(3);
    region.setFaults({});
    await clock.advance(seconds(2));
    await hub.settle();
    expect(deliveredSeqs(broker)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(region.counts()).toMatchObject({ accepted: 3, duplicatesInEffect: 0 });
  });

  it("sends ever more rarely to a region that stays silent, and little", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(500);
    await clock.advance(minutes(8 * 60));
    // 1 min, 2 min ... 1 h: twelve times in eight hours, of at most 256 readings.
    expect(deliveredSeqs(broker).length).toBeGreaterThan(500);
    expect(deliveredSeqs(broker).length).toBeLessThan(500 + 14 * 256);
    expect(hub.outbox.depth().waiting).toBe(500);
    expect(hub.forwarder.status().trouble).toContain("sends no receipts");
  });

  it("keeps what a lost PUBACK leaves open, and its second coming has no effect", async () => {
    const hub = start();
    await hub.settle();
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? "hold" : { tag: "accepted" }) });
    await hub.measure(2);
    await hub.settle();
    const [held] = broker.held;
    broker.configure({ onPublish: () => ({ tag: "accepted" }) });
    broker.cut();
    // It had arrived, and neither PUBACK nor receipt came back.
    if (held !== undefined) region.receive(held.message.topic, held.message.payload);
    await clock.advance(seconds(3));
    await hub.settle();
    expect(region.counts()).toMatchObject({ accepted: 2, duplicatesInEffect: 0 });
    expect(region.counts().duplicatesReceived).toBeGreaterThan(0);
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("goes on after a restart where it stopped, with one effect each", async () => {
    const disk = createMemoryOutboxDisk();
    const before = start({ disk });
    await before.settle();
    region.setFaults({ silent: true });
    await before.measure(5);
    await before.settle();
    await before.stop();
    region.setFaults({});
    const after = start({ disk });
    await after.settle();
    expect(after.outbox.depth().waiting).toBe(0);
    expect(region.counts()).toMatchObject({ accepted: 5, duplicatesInEffect: 0, gaps: 0 });
  });

  it("takes the same receipt twice, and an older one after a newer one", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(4);
    await hub.settle();
    for (const through of [3, 3, 1]) broker.send(RECEIPT, text({ through }));
    await hub.settle();
    expect(hub.outbox.depth()).toMatchObject({ waiting: 1, oldest: 4 });
  });

  it("sends promptly what the region misses although the broker took it", async () => {
    const hub = start();
    await hub.settle();
    let lose = true;
    broker.configure({
      onDelivered: ({ topic, payload }) => {
        if (topic === READING && lose) lose = false;
        else region.receive(topic, payload);
      },
    });
    await hub.measure();
    await hub.settle();
    await hub.measure();
    await hub.settle();
    await clock.advance(seconds(3));
    await hub.settle();
    expect(region.counts()).toMatchObject({ accepted: 2, gaps: 0 });
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("does not send again what the region misses only because it is on its way", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(3);
    await hub.settle();
    broker.send(RECEIPT, text({ through: 3, missing: [[2, 3]] }));
    await clock.advance(millis(1500));
    expect(deliveredSeqs(broker)).toEqual([1, 2, 3]);
    expect(hub.outbox.depth().waiting).toBe(2);
    await clock.advance(seconds(1));
    expect(deliveredSeqs(broker)).toEqual([1, 2, 3, 2, 3]);
  });

  it("keeps and reports what the region refuses", async () => {
    const hub = start();
    region.setFaults({ refuse: ({ seq }) => (seq === 2 ? "not this one" : null) });
    await hub.measure(3);
    await hub.settle();
    expect(hub.outbox.depth()).toMatchObject({ waiting: 0, refused: 1 });
    expect(eventsOf(broker)).toMatchObject([{ code: "reading-refused", detail: { count: 1 } }]);
    expect(hub.forwarder.status().refused).toBe(1);
  });

  it("sends a refused reading again when the region asks for it after all", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(2);
    await hub.settle();
    broker.send(RECEIPT, text({ through: 2, refused: [{ seq: 1, reason: "no" }] }));
    await hub.settle();
    expect(hub.outbox.depth()).toMatchObject({ waiting: 0, refused: 1 });
    broker.send(RECEIPT, text({ through: 2, missing: [[1, 1]] }));
    await hub.settle();
    expect(deliveredSeqs(broker)).toEqual([1, 2, 1]);
  });

  it("ignores and reports a receipt about numbers that it never gave", async () => {
    const hub = start();
    region.setFaults({ silent: true });
    await hub.measure(2);
    await hub.settle();
    broker.send(RECEIPT, text({ through: 99 }));
    broker.send(RECEIPT, text({ through: 1, missing: [[50, 60]] }));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(2);
    expect(eventsOf(broker)).toMatchObject([{ code: "malformed-data", detail: { state: "receipt-unknown" } }]);
    expect(hub.lines.filter(({ message }) => message === "receipt ignored")).toHaveLength(2);
  });

  it.each(["", "[]", "{}", '{"through":-1}', '{"through":1,"missing":[[2]]}', "\u0000\uffff"])(
    "ignores and reports the receipt %j, which is none",
    async (content) => {
      const hub = start();
      region.setFaults({ silent: true });
      await hub.measure();
      await hub.settle();
      broker.send(RECEIPT, new TextEncoder().encode(content));
      await hub.settle();
      expect(hub.outbox.depth().waiting).toBe(1);
      expect(eventsOf(broker)).toMatchObject([{ code: "malformed-data", detail: { state: "receipt-malformed" } }]);
    },
  );

  it("lets a live reading overtake a backlog of 5000, and drains both", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 5000);
    const hub = start({ disk });
    let live: readonly number[] = [];
    broker.configure({
      onDelivered: (message) => {
        region.receive(message.topic, message.payload);
        if (live.length === 0 && deliveredSeqs(broker).length > 1000) {
          live = [5001];
          void hub.measure();
        }
      },
    });
    await drained(hub);
    const order = deliveredSeqs(broker);
    const measuredAt = order.findIndex((_, index) => index > 1000);
    const overtook = order.indexOf(5001);
    // Of what was in flight at that moment, and one backlog batch: far from all that waited before it.
    expect(overtook - measuredAt).toBeLessThan(1000);
    expect(region.counts()).toMatchObject({ accepted: 5001, gaps: 0, duplicatesInEffect: 0 });
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it.each([1, 2])("starves neither lane where readings keep coming, with %i in flight", async (receiveMaximum) => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 2000);
    let committed = 2000;
    let measureOne = async (): Promise<unknown> => undefined;
    broker.configure({
      receiveMaximum,
      onDelivered: (message) => {
        region.receive(message.topic, message.payload);
        // One more live reading for each message: the live lane is never empty for long.
        if (message.topic !== READING || committed >= 2030) return;
        committed += 1;
        void measureOne();
      },
    });
    const hub = start({ disk });
    measureOne = () => hub.measure();
    for (let i = 0; i < 100 && committed < 2030; i++) await clock.advance(millis(100));
    const messages = broker.delivered.map(seqsIn).filter(({ length }) => length > 0);
    const backlog = messages.filter((seqs) => seqs.every((seq) => seq <= 2000)).length;
    const live = messages.length - backlog;
    expect(live).toBeGreaterThanOrEqual(messages.length / 4);
    expect(backlog).toBeGreaterThanOrEqual(messages.length / 4);
    await drained(hub);
  });

  it("begins with the newest readings after a long time without a link, and then goes upwards", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 300);
    const hub = start({ disk });
    await until(async () => {
      await clock.advance(seconds(1));
      return hub.outbox.depth().waiting === 0;
    }, "everything is delivered");
    const order = deliveredSeqs(broker);
    const first = seqsIn(
      broker.delivered.find(({ topic }) => topic === READING) ?? { topic: "", payload: text({}), retain: false },
    );
    expect(first.at(-1)).toBe(300);
    expect(first[0]).toBeGreaterThan(236);
    const backlog = order.slice(first.length);
    expect(backlog).toEqual(backlog.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(300);
  });

  it("reads the outbox in small portions, however much waits", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 3000);
    const asked: number[] = [];
    const hub = start({
      disk,
      outbox: (inner) => ({
        ...inner,
        depth: inner.depth,
        nextTexts: (after, limit) => {
          asked.push(limit);
          return inner.nextTexts(after, limit);
        },
        newestTexts: (before, limit) => {
          asked.push(limit);
          return inner.newestTexts(before, limit);
        },
        settle: inner.settle,
      }),
    });
    await drained(hub);
    expect(Math.max(...asked)).toBeLessThanOrEqual(256);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.length).toBeLessThan(60);
  });

  it("tells in its log what was sent and settled, and no value of it", async () => {
    const hub = start();
    await hub.settle();
    await hub.measure(2);
    await hub.settle();
    const told = hub.lines.map(({ message, fields }) => ({ message, fields }));
    expect(told).toContainEqual({ message: "link up", fields: { protocol: "mqtt5" } });
    expect(told).toContainEqual({ message: "batch sent", fields: { firstSeq: 1, lastSeq: 2, count: 2 } });
    expect(told).toContainEqual({ message: "receipt applied", fields: { through: 2, settled: 2 } });
    expect(JSON.stringify(told)).not.toMatch(/124|a-7f3c9b|0123456789abcdef/);
  });

  it("tells its state at birth, every minute, and when the backlog grows past a mark", async () => {
    const hub = start();
    await hub.settle();
    expect(statesOf(broker)).toMatchObject([{ online: true, backlog: { waiting: 0 } }]);
    expect(broker.delivered[0]?.retain).toBe(true);
    await clock.advance(seconds(61));
    expect(statesOf(broker)).toHaveLength(2);
    region.setFaults({ silent: true });
    await hub.measure(150);
    await hub.settle();
    await clock.advance(seconds(6));
    expect(statesOf(broker)).toHaveLength(3);
    expect(statesOf(broker).at(-1)).toMatchObject({ backlog: { waiting: 150 } });
  });
});

describe("the forwarder, where the PUBACK settles,", () => {
  it("settles each reading at its PUBACK, and says so", async () => {
    const hub = start({ receipts: false });
    region.setFaults({ silent: true });
    await hub.measure(3);
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(hub.forwarder.status()).toMatchObject({ receipts: false, unsettled: 0 });
  });

  it("settles exactly what was acknowledged, newest first or not", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 200);
    const hub = start({ disk, receipts: false });
    region.setFaults({ silent: true });
    let acknowledged = 0;
    broker.configure({
      onPublish: ({ topic }) => {
        if (topic !== READING) return { tag: "accepted" };
        acknowledged += 1;
        return acknowledged <= 2 ? { tag: "accepted" } : "hold";
      },
    });
    await hub.settle();
    const order = deliveredSeqs(broker);
    expect(order.length).toBeGreaterThan(0);
    const left = (await hub.outbox.next(0, 1000)).map(({ seq }) => seq as number);
    expect([...left, ...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });

  it("does not settle what the broker has nobody to give to", async () => {
    const hub = start({ receipts: false });
    broker.configure({
      onPublish: ({ topic }) => (topic === READING ? { tag: "no-subscriber" } : { tag: "accepted" }),
    });
    await hub.measure();
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(1);
    broker.configure({ onPublish: () => ({ tag: "accepted" }) });
    await clock.advance(seconds(61));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });
});
