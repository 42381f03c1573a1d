import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createZones } from "../../drivers/normalise/zone.ts";
import type { ClockAnchor } from "../../gateway/clock/clock-anchor.ts";
import { createTimeGate } from "../../gateway/forward/time-gate.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryOutboxDisk, type MemoryOutboxDisk } from "../../hardware-sim/ports/memory-outbox.ts";
import type { MemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import type { RegionReceiver } from "../../hardware-sim/region/receiver.ts";
import type { DraftReading, Reading } from "../../protocol/reading.ts";
import { epochMs, isoUtc, millis, minutes, seconds } from "../../protocol/time.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createRegion, type HubUnderTest, READING, startHub } from "./support/hub-under-test.ts";

const NOON = epochMs(Date.UTC(2026, 5, 15, 12));
const zone = createZones().zone("Europe/Stockholm");

let clock: SimulatedClock;
let broker: MemoryBroker;
let region: RegionReceiver;
let disk: MemoryOutboxDisk;
let anchor: ClockAnchor | null;
let hubs: HubUnderTest[];

beforeEach(() => {
  clock = createSimulatedClock({ state: "unset", startAt: epochMs(0) });
  ({ broker, region } = createRegion(clock));
  disk = createMemoryOutboxDisk();
  anchor = null;
  hubs = [];
});

afterEach(async () => {
  for (const hub of hubs) await hub[Symbol.asyncDispose]();
  await region[Symbol.asyncDispose]();
});

const start = (publishWithoutTime = false): HubUnderTest => {
  const gate = createTimeGate({ time: clock, anchor: () => anchor, zone, publishWithoutTime });
  const hub = startHub({ clock, broker, disk, gate });
  hubs.push(hub);
  return hub;
};

/** The clock is set to noon, and the keeper of the anchor has seen it. */
const setClock = (hub: HubUnderTest): void => {
  clock.setWallClock(NOON, "ntp");
  const { utc, bootId, monoMs, hubClock } = clock.stamp();
  anchor = { bootId, monoMs, utc: utc ?? NOON, hubClock };
  hub.forwarder.wake();
};

let last = 0;

/** A reading without a stamp that reaches the hub now. */
const arriving = (bootId?: string): DraftReading => {
  const at = clock.stamp();
  last += 1;
  const reading = sampleReading(last);
  return {
    ...reading,
    time: {
      ...reading.time,
      start: at.utc === null ? null : isoUtc(at.utc),
      basis: at.utc === null ? "unknown" : "reception",
      uncertaintyMs: at.utc === null ? null : 60_020,
      deviceRaw: null,
      coincident: null,
      received: { utc: at.utc === null ? null : isoUtc(at.utc), bootId: bootId ?? at.bootId, monoMs: at.monoMs },
      hubClock: at.hubClock,
    },
  };
};

const measure = async (hub: HubUnderTest, ...readings: readonly DraftReading[]): Promise<void> => {
  await hub.outbox.append(readings);
  hub.forwarder.wake();
  await hub.settle();
};

const delivered = (): readonly Reading[] =>
  broker.delivered
    .filter(({ topic }) => topic === READING)
    .flatMap(({ payload }) => (JSON.parse(new TextDecoder().decode(payload)) as { batch: Reading[] }).batch);
const startsBySeq = (): Record<number, string | null> =>
  Object.fromEntries(delivered().map(({ seq, time }) => [seq, time.start]));

/** Let the region name its gaps and the hub answer. */
const drain = async (hub: HubUnderTest): Promise<void> => {
  for (let i = 0; i < 50 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(100));
};

describe("readings taken while the hub's clock is not set", () => {
  it("wait for it, and go with their times as soon as it is", async () => {
    const hub = start();
    await measure(hub, arriving());
    await clock.advance(minutes(10));
    await measure(hub, arriving());
    expect(delivered()).toEqual([]);
    await clock.advance(minutes(5));
    setClock(hub);
    await drain(hub);
    expect(startsBySeq()).toEqual({ 1: "2026-06-15T11:45:00.000Z", 2: "2026-06-15T11:55:00.000Z" });
    expect(hub.outbox.depth().waiting).toBe(0);
    expect(delivered()).toHaveLength(2);
  });

  it("wait behind no one: what comes with a time goes at once, also where the region names the gap", async () => {
    const hub = start();
    await measure(hub, arriving(), arriving());
    clock.setWallClock(NOON, "ntp");
    await measure(hub, arriving());
    await clock.advance(seconds(30));
    expect(Object.keys(startsBySeq())).toEqual(["3"]);
    expect(hub.outbox.depth().waiting).toBe(2);
    setClock(hub);
    await drain(hub);
    expect(Object.keys(startsBySeq())).toEqual(["1", "2", "3"]);
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("wait an hour at most, and go without a time then", async () => {
    const hub = start();
    await measure(hub, arriving());
    await clock.advance(minutes(59));
    await measure(hub, arriving());
    expect(delivered()).toEqual([]);
    await clock.advance(minutes(2));
    await hub.settle();
    expect(startsBySeq()).toEqual({ 1: null });
    await clock.advance(minutes(59));
    await drain(hub);
    expect(startsBySeq()).toEqual({ 1: null, 2: null });
    expect(hub.outbox.depth().waiting).toBe(0);
  });

  it("do not wait where the region asks for them at once", async () => {
    const hub = start(true);
    await measure(hub, arriving());
    expect(startsBySeq()).toEqual({ 1: null });
  });

  it("of an earlier boot go as they are, also when the clock of this one is set", async () => {
    const hub = start();
    await measure(hub, arriving("boot before"));
    expect(startsBySeq()).toEqual({ 1: null });
    const another = arriving("boot before");
    setClock(hub);
    await measure(hub, another);
    expect(startsBySeq()).toEqual({ 1: null, 2: null });
  });

  it("are the same when a process that is started again in the same boot sends them again", async () => {
    region.setFaults({ silent: true });
    const first = start();
    await measure(first, arriving(), arriving());
    await clock.advance(minutes(3));
    setClock(first);
    await drain(first);
    await first.stop();
    const sent = delivered().length;
    region.setFaults({});
    const second = start();
    await drain(second);
    expect(second.outbox.depth().waiting).toBe(0);
    const bySeq = Map.groupBy(delivered(), ({ seq }) => seq);
    expect(delivered().length).toBeGreaterThan(sent);
    for (const copies of bySeq.values()) expect(new Set(copies.map((copy) => JSON.stringify(copy))).size).toBe(1);
    expect(region.counts()).toMatchObject({ accepted: 2 });
  });

  it("go in any number and order, each once in effect and with the right time", async () => {
    const hub = start();
    for (let i = 0; i < 300; i++) {
      await clock.advance(seconds(1));
      await hub.outbox.append([arriving()]);
    }
    hub.forwarder.wake();
    await hub.settle();
    expect(delivered()).toEqual([]);
    setClock(hub);
    await hub.outbox.append([arriving()]);
    for (let i = 0; i < 300 && hub.outbox.depth().waiting > 0; i++) await clock.advance(millis(100));
    expect(hub.outbox.depth().waiting).toBe(0);
    const starts = startsBySeq();
    expect(Object.keys(starts)).toHaveLength(301);
    for (let seq = 1; seq <= 300; seq++) expect(starts[seq]).toBe(isoUtc(epochMs(NOON - (300 - seq) * 1000)));
  });
});
