// Long: one forwarder against every behaviour of a link and a broker, over surroundings that the cases share.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutboxDisk } from "../../hardware-sim/ports/memory-outbox.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import { HubError } from "../../protocol/errors.ts";
import type { HubEvent } from "../../protocol/messages.ts";
import type { OutboundMessage, PublishOutcome } from "../../protocol/ports/region-link.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import {
  createRegion,
  eventsOf,
  fill,
  type HubUnderTest,
  type HubUnderTestOptions,
  READING,
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
const accepted: PublishOutcome = { tag: "accepted" };
const refused = (reasonCode: number, scope: "message" | "topic" | "quota"): PublishOutcome => ({
  tag: "refused",
  reasonCode,
  reason: `the broker refused the message: 0x${reasonCode.toString(16)}`,
  scope,
});
const event = (number: number): HubEvent => ({
  schema: "event/1",
  code: "serial-fault",
  severity: "warning",
  at: null,
  message: `event ${number}`,
  detail: { number },
});

describe("the forwarder, on a link that comes and goes,", () => {
  it("connects at once, and again without hurry while nobody answers", async () => {
    broker.refuse(new HubError("link-unreachable", "link to the region: nobody listens"));
    const hub = start();
    await hub.settle();
    expect(broker.connects).toBe(1);
    await clock.advance(minutes(60));
    // Half of the full jitter: 1.5 s, 2.5 s, 4.5 s ... then every 150 s.
    expect(broker.connects).toBeGreaterThan(20);
    expect(broker.connects).toBeLessThan(40);
    expect(hub.forwarder.status()).toMatchObject({
      state: "backing-off",
      trouble: "link to the region: nobody listens",
    });
    broker.refuse(null);
    await hub.measure();
    await clock.advance(minutes(5));
    expect(region.counts().accepted).toBe(1);
  });

  it("does not run in circles on a link that breaks as soon as it is up", async () => {
    broker.configure({ onPublish: () => "cut" });
    start({ random: () => 0 });
    await clock.advance(minutes(10));
    // At the very least a second between two attempts, even where the dice always fall on the shortest delay.
    expect(broker.connects).toBeGreaterThan(300);
    expect(broker.connects).toBeLessThanOrEqual(601);
  });

  it("forgets its failures only after a stable minute", async () => {
    const hub = start({ random: () => 1 });
    await hub.settle();
    for (let i = 0; i < 6; i++) {
      broker.cut();
      await clock.advance(seconds(130));
      broker.cut();
      await clock.advance(seconds(1.9));
      expect(broker.connected).toBe(false);
      await clock.advance(seconds(0.2));
      expect(broker.connected).toBe(true);
    }
  });

  it("asks a region that says no ever more rarely, and takes its yes", async () => {
    broker.refuse(
      new HubError("link-refused", "link to the region: the broker refused to connect", {
        context: { reasonCode: 0x86 },
      }),
    );
    const hub = start();
    await hub.measure();
    await clock.advance(seconds(14));
    expect(broker.connects).toBe(1);
    await clock.advance(minutes(60));
    expect(broker.connects).toBeGreaterThan(10);
    expect(broker.connects).toBeLessThan(40);
    broker.refuse(null);
    await clock.advance(minutes(5));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("keeps away when another hub has taken its place", async () => {
    const hub = start();
    await hub.settle();
    broker.cut({ reasonCode: 0x8e });
    await clock.advance(seconds(14));
    expect(broker.connects).toBe(1);
    await clock.advance(seconds(60));
    expect(broker.connects).toBe(2);
  });

  it("warns once of a link that stays down for the same reason", async () => {
    broker.refuse(new HubError("link-unreachable", "link to the region: nobody listens"));
    const hub = start();
    await clock.advance(minutes(30));
    const warnings = hub.lines.filter(({ message }) => message === "link down");
    expect(warnings).toMatchObject([{ level: "warn", fields: { code: "link-unreachable" } }]);
  });

  it("stops at once while it waits for a link", async () => {
    broker.refuse(new HubError("link-unreachable", "link to the region: nobody listens"));
    const hub = start();
    await clock.advance(minutes(1));
    hub.stopping.abort(new Error("the hub stops"));
    await hub.running;
    expect(hub.forwarder.status().state).toBe("stopped");
  });

  it("waits at its end for what is under way, says goodbye, and loses nothing", async () => {
    const hub = start();
    await hub.settle();
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? "hold" : accepted) });
    await hub.measure();
    await hub.settle();
    hub.stopping.abort(new Error("the hub stops"));
    await clock.advance(seconds(1));
    expect(statesOf(broker).at(-1)).toMatchObject({ online: true });
    for (const held of broker.held) held.answer(accepted);
    await hub.running;
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(statesOf(broker).at(-1)).toMatchObject({ online: false });
    expect(broker.delivered.at(-1)?.retain).toBe(true);
  });

  it("does not wait for ever at its end, and keeps what was not answered", async () => {
    const hub = start();
    await hub.settle();
    broker.configure({ onPublish: () => "hold" });
    await hub.measure();
    await hub.settle();
    hub.stopping.abort(new Error("the hub stops"));
    await clock.advance(seconds(3));
    await clock.advance(seconds(1));
    await hub.running;
    expect(hub.outbox.depth().waiting).toBe(1);
  });
});

describe("the forwarder, with a broker that does not take everything,", () => {
  const poisonous = (message: OutboundMessage, poison: number): boolean => seqsIn(message).includes(poison);

  it("finds the one reading that the broker does not take, sets it aside, and brings all others", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 200);
    broker.configure({ onPublish: (message) => (poisonous(message, 77) ? refused(0x99, "message") : accepted) });
    const hub = start({ disk });
    for (let i = 0; i < 50 && hub.outbox.depth().waiting > 1; i++) await clock.advance(millis(200));
    expect(hub.outbox.depth()).toMatchObject({ waiting: 1, oldest: 77 });
    expect(region.counts().accepted).toBe(199);
    expect(hub.forwarder.status()).toMatchObject({ quarantined: 1, state: "up" });
    expect(eventsOf(broker)).toMatchObject([{ code: "reading-quarantined", detail: { seq: 77 } }]);
  });

  it("finds it also where the broker ends the link and does not say which it was", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 200);
    broker.configure({
      onPublish: (message) => {
        if (!poisonous(message, 77)) return accepted;
        broker.cut({ reasonCode: 0x95 });
        return "cut";
      },
    });
    const hub = start({ disk });
    for (let i = 0; i < 60 && hub.outbox.depth().waiting > 1; i++) await clock.advance(seconds(1));
    expect(hub.outbox.depth()).toMatchObject({ waiting: 1, oldest: 77 });
    expect(region.counts()).toMatchObject({ accepted: 199, duplicatesInEffect: 0 });
    // Each halving costs one connection: log2 of what a message held, and those that were in flight with it.
    expect(broker.connects).toBeLessThan(20);
    await hub.measure();
    await clock.advance(seconds(5));
    expect(region.counts().accepted).toBe(200);
  });

  it("brings suspects also where they no longer fit into one message", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 60);
    broker.configure({ receiveMaximum: 1, onPublish: ({ topic }) => (topic === READING ? "hold" : accepted) });
    const hub = start({ disk });
    await until(async () => {
      await hub.settle();
      return broker.held.length === 1;
    }, "the first readings are in flight");
    // Refused, and the link is gone before anything can be tried.
    broker.held[0]?.answer(refused(0x99, "message"));
    broker.cut();
    broker.configure({ maximumPacketSize: 4000, onPublish: () => accepted });
    for (let i = 0; i < 60 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(500));
    expect(region.counts()).toMatchObject({ accepted: 60, gaps: 0 });
    expect(hub.forwarder.status().quarantined).toBe(0);
    expect(broker.connects).toBe(2);
  });

  it("blames no reading where the broker refuses them all, and tries again later", async () => {
    const hub = start();
    await hub.measure(20);
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? refused(0x99, "message") : accepted) });
    await clock.advance(minutes(10));
    expect(hub.forwarder.status().quarantined).toBe(0);
    expect(hub.forwarder.status().trouble).toContain("refuses every reading");
    broker.configure({ onPublish: () => accepted });
    await clock.advance(minutes(10));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("sets a reading aside that is larger than the broker takes, until a broker takes more", async () => {
    const hub = start();
    await hub.settle();
    await hub.measure(3);
    await hub.settle();
    const size = Math.max(
      ...broker.delivered.filter(({ topic }) => topic === READING).map(({ payload }) => payload.length),
    );
    broker.configure({ maximumPacketSize: Math.floor(size / 2) });
    broker.cut();
    await clock.advance(seconds(3));
    await hub.measure(3);
    await hub.settle();
    expect(hub.forwarder.status().quarantined + region.counts().accepted).toBe(6);
    broker.configure({ maximumPacketSize: null });
    broker.cut();
    await clock.advance(seconds(10));
    await hub.settle();
    expect(hub.forwarder.status().quarantined).toBe(0);
    expect(region.counts().accepted).toBe(6);
  });

  it("keeps messages below what the broker takes", async () => {
    broker.configure({ maximumPacketSize: 5000 });
    const disk = createMemoryOutboxDisk();
    await fill(disk, 100);
    const hub = start({ disk });
    for (let i = 0; i < 50 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(200));
    expect(region.counts().accepted).toBe(100);
    expect(Math.max(...broker.delivered.map(({ payload }) => payload.length))).toBeLessThanOrEqual(5000);
  });

  it("slows down at a quota, keeps everything, and alarms after an hour of it", async () => {
    const hub = start();
    await hub.settle();
    let attempts = 0;
    broker.configure({
      onPublish: ({ topic }) => {
        if (topic !== READING) return accepted;
        attempts += 1;
        return refused(0x97, "quota");
      },
    });
    await hub.measure(3);
    await clock.advance(minutes(59));
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(40);
    expect(eventsOf(broker)).toEqual([]);
    await clock.advance(minutes(10));
    expect(eventsOf(broker)[0]).toMatchObject({ code: "reading-refused", detail: { state: "quota" } });
    broker.configure({ onPublish: () => accepted });
    await clock.advance(minutes(6));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(hub.forwarder.status().trouble).toBeNull();
  });

  it("stops readings where it may not write them, says so, and tries again later", async () => {
    const hub = start();
    await hub.settle();
    let attempts = 0;
    broker.configure({
      onPublish: ({ topic }) => {
        if (topic !== READING) return accepted;
        attempts += 1;
        return refused(0x87, "topic");
      },
    });
    await hub.measure();
    await clock.advance(minutes(10));
    expect(attempts).toBe(1);
    expect(eventsOf(broker)).toMatchObject([{ code: "reading-refused", detail: { reasonCode: 0x87 } }]);
    expect(hub.forwarder.status().trouble).toContain("the region must let this hub write");
    broker.configure({ onPublish: () => accepted });
    await clock.advance(minutes(6));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("does not take silence for success where nobody subscribes", async () => {
    const hub = start();
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? { tag: "no-subscriber" } : accepted) });
    await hub.measure();
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(1);
    expect(hub.forwarder.status().trouble).toContain("does not listen");
    broker.configure({ onPublish: () => accepted });
    await clock.advance(seconds(61));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("has no more in flight than the broker allows, whatever it has to send", async () => {
    const disk = createMemoryOutboxDisk();
    await fill(disk, 500);
    broker.configure({ receiveMaximum: 1 });
    const hub = start({ disk });
    for (let i = 0; i < 10; i++) hub.forwarder.sendEvent(event(i));
    for (let i = 0; i < 100 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(200));
    expect(region.counts().accepted).toBe(500);
    expect(eventsOf(broker)).toHaveLength(10);
    expect(broker.mostInFlight).toBe(1);
  });

  it("waits without running in circles while a broker holds back every answer", async () => {
    const hub = start();
    await hub.settle();
    broker.configure({ onPublish: ({ topic }) => (topic === READING ? "hold" : accepted) });
    for (let i = 0; i < 20; i++) {
      await hub.measure();
      await hub.settle();
    }
    // State and receipts fall due meanwhile, and there is no room for anything.
    await clock.advance(minutes(5));
    const inFlight = hub.forwarder.status().inFlight;
    expect(inFlight).toBe(broker.mostInFlight);
    for (const held of broker.held) held.answer(accepted);
    await clock.advance(seconds(1));
    broker.configure({ onPublish: () => accepted });
    for (const held of broker.held) held.answer(accepted);
    await clock.advance(minutes(2));
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("keeps the newest 100 events until there is a link, and counts what it dropped", async () => {
    broker.refuse(new HubError("link-unreachable", "link to the region: nobody listens"));
    const hub = start();
    await hub.settle();
    for (let i = 1; i <= 130; i++) hub.forwarder.sendEvent(event(i));
    expect(hub.forwarder.status()).toMatchObject({ waitingEvents: 100, droppedEvents: 30 });
    broker.refuse(null);
    await clock.advance(seconds(5));
    await hub.settle();
    await hub.settle();
    await hub.settle();
    await hub.settle();
    await hub.settle();
    expect(eventsOf(broker).map(({ detail }) => detail.number)).toEqual(Array.from({ length: 100 }, (_, i) => i + 31));
    expect(hub.forwarder.status().waitingEvents).toBe(0);
  });

  it("goes on when the outbox can be read again", async () => {
    let broken = false;
    const hub = start({
      outbox: (inner) => ({
        ...inner,
        nextTexts: (after, limit) => {
          if (broken) throw new HubError("outbox-corrupt", "outbox next: page 3 is damaged");
          return inner.nextTexts(after, limit);
        },
      }),
    });
    await hub.settle();
    broken = true;
    await hub.measure();
    await hub.settle();
    expect(eventsOf(broker)).toMatchObject([{ code: "storage-fault" }]);
    broken = false;
    await clock.advance(seconds(6));
    await hub.settle();
    expect(hub.outbox.depth().waiting).toBe(0);
  });
});
