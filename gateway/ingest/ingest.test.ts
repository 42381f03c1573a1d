import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import { sensorId, seq } from "../../protocol/ids.ts";
import type { HubEvent } from "../../protocol/messages.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Appended, Outbox, UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { createEventReporter } from "./event-reporter.ts";
import { createIngest, type IngestOptions, MOST_HELD_READINGS } from "./ingest.ts";

const CUFF = sensorId("cuff");
const validate = createReadingValidator();

/** An outbox whose disk can be filled: the contract's answers, in memory. */
const fillableOutbox = () => {
  let refusal: HubError | null = null;
  let counter = 0;
  const taken: DraftReading[] = [];
  const captures: UnreadableCapture[] = [];
  const guard = (): void => {
    if (refusal !== null) throw refusal;
  };
  const outbox: Outbox = {
    series: "0123456789ab",
    append: async (readings) => {
      guard();
      return readings.map((reading): Appended => {
        const known = taken.findIndex((one) => one.idem === reading.idem);
        if (known >= 0) return { tag: "duplicate", seq: seq(known + 1) };
        taken.push(reading);
        return { tag: "stored", seq: seq(taken.length) };
      });
    },
    next: async () => [],
    newest: async () => [],
    nextTexts: async () => [],
    newestTexts: async () => [],
    settle: async () => ({ settled: 0, refused: 0, resend: [], unknown: false }),
    keepUnreadable: async (capture) => {
      guard();
      captures.push(capture);
    },
    depth: () => ({ waiting: taken.length, refused: 0, oldest: null, newest: null }),
    nextCounter: async () => {
      guard();
      counter += 1;
      return counter;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return {
    outbox,
    taken,
    captures,
    refuse: (error: HubError | null) => {
      refusal = error;
    },
  };
};

const setUp = () => {
  const clock = createSimulatedClock();
  const store = fillableOutbox();
  const events: HubEvent[] = [];
  const lines: string[] = [];
  const write = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger };
  let woken = 0;
  const report = createEventReporter({ clock, time: clock, logger, send: (event) => events.push(event) });
  const onStored = (): void => {
    woken += 1;
  };
  const ingest = createIngest({ outbox: store.outbox, validate, clock, logger, report, onStored });
  return { clock, store, events, lines, ingest, sink: ingest.sinkOf(CUFF), woken: () => woken };
};

const FULL = new HubError("outbox-disk-full", "outbox append: the disk is full; free some space");

describe("ingest", () => {
  it("stores readings, logs sensor, number and kind but no value, and wakes the forwarder", async () => {
    const { sink, store, lines, woken, ingest, clock } = setUp();
    await clock.advance(seconds(3));
    await sink.take([sampleReading(1), sampleReading(2)]);
    expect(store.taken).toHaveLength(2);
    expect(lines).toEqual([
      'reading stored {"sensor":"cuff","seq":1,"kind":"blood-pressure"}',
      'reading stored {"sensor":"cuff","seq":2,"kind":"blood-pressure"}',
    ]);
    expect(woken()).toBe(1);
    expect(ingest.lastStored(CUFF)).toBe(3000);
    expect(ingest.status()).toEqual({ stored: 2, duplicates: 0, invalid: 0, turnedAway: 0, held: 0, trouble: null });
  });

  it("knows when each sensor was last heard and last gave something new, and nothing of a sink without a sensor", async () => {
    const { ingest, sink, clock, events } = setUp();
    expect([ingest.lastHeard(CUFF), ingest.lastStored(CUFF)]).toEqual([null, null]);
    await sink.take([sampleReading(1)]);
    await clock.advance(seconds(5));
    await sink.take([sampleReading(1)]);
    expect([ingest.lastHeard(CUFF), ingest.lastStored(CUFF)]).toEqual([5000, 0]);
    const radio = ingest.sinkOf(null);
    radio.report("unknown-sensor", "a sensor nearby is not enrolled", { service: "1810" });
    expect(events[0]?.detail).toEqual({ service: "1810" });
  });

  it("stores a reading as it was judged, and gives the judge the name of its sensor", async () => {
    const clock = createSimulatedClock();
    const store = fillableOutbox();
    const judged: (string | null)[] = [];
    const judge: IngestOptions["judge"] = (sensor, reading) => {
      judged.push(sensor);
      return { ...reading, quality: ["implausible"] };
    };
    const report = createEventReporter({ clock, time: clock, logger: silentLogger, send: () => undefined });
    const parts = { outbox: store.outbox, validate, clock, logger: silentLogger, report, onStored: () => undefined };
    const ingest = createIngest({ ...parts, judge });
    await ingest.sinkOf(CUFF).take([sampleReading(1)]);
    await ingest.sinkOf(null).take([sampleReading(2)]);
    expect(store.taken).toEqual([1, 2].map((n) => ({ ...sampleReading(n), quality: ["implausible"] })));
    expect(judged).toEqual([CUFF, null]);
  });

  it("counts the same measurement once and does not wake the forwarder for it", async () => {
    const { sink, woken, ingest } = setUp();
    await sink.take([sampleReading(1)]);
    await sink.take([sampleReading(1)]);
    expect(ingest.status()).toMatchObject({ stored: 1, duplicates: 1 });
    expect(woken()).toBe(1);
  });

  it("keeps the bytes of a reading that breaks the schema, stores the others, and reports it", async () => {
    const { sink, store, events, lines, ingest } = setUp();
    const broken = { ...sampleReading(1), kind: "mood" } as unknown as DraftReading;
    await sink.take([broken, sampleReading(2)]);
    expect(store.taken).toEqual([sampleReading(2)]);
    expect(store.captures).toEqual([
      {
        sensor: "cuff",
        channel: broken.provenance.source,
        reason: expect.stringContaining("/kind"),
        rawHex: broken.provenance.rawHex,
        receivedUtc: broken.time.received.utc,
      },
    ]);
    expect(ingest.status()).toMatchObject({ stored: 1, invalid: 1 });
    expect(events).toMatchObject([{ code: "malformed-data", severity: "warning", detail: { sensor: "cuff" } }]);
    expect(lines.join("\n")).not.toContain(broken.provenance.rawHex);
  });

  it("resolves only when the reading is durable, through a full disk, and alarms once", async () => {
    const { sink, store, events, clock, ingest } = setUp();
    store.refuse(FULL);
    let durable = false;
    const taking = Promise.all([sink.take([sampleReading(1)]), sink.take([sampleReading(2)])]).then(() => {
      durable = true;
    });
    await clock.advance(seconds(10));
    expect(durable).toBe(false);
    expect(ingest.status()).toMatchObject({ held: 2, trouble: FULL.message });
    store.refuse(null);
    await clock.advance(minutes(1));
    await taking;
    expect(store.taken).toHaveLength(2);
    expect(ingest.status()).toMatchObject({ stored: 2, held: 0, trouble: null });
    expect(events.map(({ code, severity, detail }) => [code, severity, detail.state])).toEqual([
      ["storage-fault", "alarm", "refusing"],
      ["storage-fault", "info", "recovered"],
    ]);
  });

  it("holds at most a thousand readings and refuses the next, which the sensor then keeps", async () => {
    const { sink, store, clock, ingest, events } = setUp();
    store.refuse(FULL);
    const held = Array.from({ length: MOST_HELD_READINGS }, (_, i) => sink.take([sampleReading(i)]));
    await clock.advance(millis(1));
    await expect(sink.take([sampleReading(5000)])).rejects.toMatchObject({
      code: "outbox-disk-full",
      message: expect.stringContaining("1000 readings are held in memory"),
    });
    store.refuse(null);
    await clock.advance(minutes(1));
    await Promise.all(held);
    expect(ingest.status()).toMatchObject({ stored: MOST_HELD_READINGS, held: 0, turnedAway: 1 });
    expect(events).toContainEqual(
      expect.objectContaining({
        severity: "alarm",
        detail: expect.objectContaining({ state: "turned-away", count: 1 }),
      }),
    );
  });

  it("hands a refusal that will not pass to the caller at once", async () => {
    const { sink, store } = setUp();
    store.refuse(new HubError("outbox-closed", "outbox: closed"));
    await expect(sink.take([sampleReading(1)])).rejects.toMatchObject({ code: "outbox-closed" });
  });

  it("holds unreadable bytes and counters through a full disk as well", async () => {
    const { sink, store, clock } = setUp();
    store.refuse(FULL);
    const capture = { sensor: "cuff", channel: "2a35", reason: "truncated", rawHex: "00", receivedUtc: null };
    const waiting = Promise.all([sink.keepUnreadable(capture), sink.nextCounter()]);
    await clock.advance(seconds(1));
    store.refuse(null);
    await clock.advance(minutes(1));
    expect((await waiting)[1]).toBe(1);
    expect(store.captures).toEqual([capture]);
  });

  it("drains what is on its way, and gives up what cannot be stored when told so", async () => {
    const { sink, store, clock, ingest } = setUp();
    await ingest.drain(new AbortController().signal);
    store.refuse(FULL);
    const taking = sink.take([sampleReading(1)]);
    const refused = expect(taking).rejects.toMatchObject({ code: "aborted" });
    await until(() => clock.sleeping > 0, "the reading is held");
    const deadline = new AbortController();
    const drained = ingest.drain(deadline.signal);
    deadline.abort();
    await drained;
    await refused;
  });
});

describe("event reporter", () => {
  it("sends one event of a kind and source a minute and counts the rest", async () => {
    const { sink, events, clock, ingest } = setUp();
    for (let i = 0; i < 20; i++) sink.report("malformed-data", "bytes are not a record", { channel: "2a35" });
    ingest.sinkOf(sensorId("scale")).report("malformed-data", "bytes are not a record", {});
    expect(events.map((event) => event.detail.sensor)).toEqual(["cuff", "scale"]);
    await clock.advance(minutes(1));
    sink.report("malformed-data", "bytes are not a record", { channel: "2a35" });
    expect(events[2]).toMatchObject({
      schema: "event/1",
      at: "2026-06-15T12:01:00.000Z",
      message: "bytes are not a record",
      detail: { sensor: "cuff", channel: "2a35", repeated: 19 },
    });
  });
});
