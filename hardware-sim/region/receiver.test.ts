import { describe, expect, it } from "vitest";
import { type HubId, hubId } from "../../protocol/ids.ts";
import { encodeMessage, parseReceipt, type Receipt } from "../../protocol/messages.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { exampleReading } from "./example-reading.ts";
import { covers, GAP_GRACE } from "./hub-account.ts";
import { createRegionReceiver, type ReceiverOptions, type RegionEvent } from "./receiver.ts";

const SERIES = "0123456789ab";

const HUB = hubId("hub-0042");

const regionOf = (options: Partial<ReceiverOptions> = {}) => {
  const clock = createSimulatedClock();
  const events: RegionEvent[] = [];
  const receipts: Receipt[] = [];
  const receiver = createRegionReceiver({ clock, observe: (event) => events.push(event), ...options });
  const attach = () =>
    receiver.attach(async (topic, payload) => {
      expect(topic).toBe("hemhub/1/hub-0042/receipt");
      receipts.push(parseReceipt(payload));
    });
  const attachment = attach();
  /** One message, and time for its receipt. */
  const send = async (batch: readonly unknown[], hub: HubId = HUB, series = SERIES): Promise<Receipt | undefined> => {
    receiver.receive(topicOf(hub, "reading"), encodeMessage({ series, batch: batch as readonly Reading[] }));
    await clock.advance(millis(1));
    return receipts.at(-1);
  };
  const reading = (number: number, measurement = number): Reading => exampleReading("hub-0042", number, measurement);
  return { clock, events, receipts, receiver, attach, attachment, send, reading };
};

describe("receiving end of the region", () => {
  it("accepts a batch and receipts it once", async () => {
    const { send, reading, receipts, receiver } = regionOf();
    expect(await send([reading(1), reading(2), reading(3)])).toEqual({
      series: SERIES,
      through: 3,
      refused: [],
      missing: [],
    });
    expect(receipts).toHaveLength(1);
    expect(receiver.counts()).toMatchObject({ accepted: 3, duplicatesReceived: 0, duplicatesInEffect: 0, gaps: 0 });
  });

  it("lets a reading that comes again take effect once, and answers it again", async () => {
    const { send, reading, receipts, receiver } = regionOf();
    await send([reading(1)]);
    await send([reading(1)]);
    await send([reading(2, 1)]);
    expect(receipts.map((one) => one.through)).toEqual([1, 1, 2]);
    expect(receiver.counts()).toMatchObject({ accepted: 1, duplicatesReceived: 2, duplicatesInEffect: 0 });
  });

  it("tells which readings a receipt is the first to cover, and when", async () => {
    const { clock, send, reading, events } = regionOf();
    await send([reading(1), reading(2)]);
    await clock.advance(millis(9));
    await send([reading(2), reading(3)]);
    const covered = events.flatMap((event) => (event.tag === "receipt" ? [event] : []));
    expect(covered.map((one) => one.covered.map(({ reading: { seq } }) => seq))).toEqual([[1, 2], [3]]);
    expect(covered.map((one) => one.at)).toEqual([0, 10]);
  });

  it("waits for what was overtaken, and settles all when it comes", async () => {
    const { send, reading, receiver } = regionOf();
    expect(await send([reading(3)])).toEqual({ series: SERIES, through: 0, refused: [], missing: [] });
    expect(await send([reading(1)])).toEqual({ series: SERIES, through: 1, refused: [], missing: [] });
    expect(await send([reading(2)])).toEqual({ series: SERIES, through: 3, refused: [], missing: [] });
    expect(receiver.counts().gaps).toBe(0);
  });

  it("asks by itself for what stays away, and settles what lies above", async () => {
    const { clock, send, reading, receipts, receiver } = regionOf();
    await send([reading(1), reading(4)]);
    await clock.advance(GAP_GRACE);
    expect(receipts.at(-1)).toEqual({ series: SERIES, through: 4, refused: [], missing: [[2, 3]] });
    expect(receiver.counts().gaps).toBe(2);
    const asked = receipts.length;
    await clock.advance(millis(30_000));
    expect(receipts.length).toBe(asked + 1);
    expect(await send([reading(2), reading(3)])).toEqual({ series: SERIES, through: 4, refused: [], missing: [] });
  });

  it("refuses an invalid reading with place and rule, and repeats that in every receipt", async () => {
    const { send, reading, receiver } = regionOf();
    const wrong = { ...reading(2), kind: "mood" };
    const refused = [{ seq: 2, reason: "/kind must be equal to one of the allowed values" }];
    expect(await send([reading(1), wrong, reading(3)])).toEqual({ series: SERIES, through: 3, refused, missing: [] });
    expect(await send([wrong])).toEqual({ series: SERIES, through: 3, refused, missing: [] });
    expect(receiver.counts()).toMatchObject({ accepted: 2, refused: 2, gaps: 0 });
  });

  it("refuses a reading of another hub than its topic, and one whose id is made up", async () => {
    const { send, reading } = regionOf();
    const other = exampleReading("hub-0043", 1);
    const madeUp = { ...reading(2), id: reading(99).id };
    expect((await send([other, madeUp]))?.refused).toEqual([
      { seq: 1, reason: "/provenance/hubId is not the hub of the topic" },
      { seq: 2, reason: "/id is not the one that belongs to /idem" },
    ]);
  });

  it("refuses on request, and keeps to it", async () => {
    const { send, reading, receiver } = regionOf({ faults: { refuse: (one) => (one.seq === 1 ? "not now" : null) } });
    await send([reading(1), reading(2)]);
    receiver.setFaults({});
    expect((await send([reading(1)]))?.refused).toEqual([{ seq: 1, reason: "not now" }]);
    expect(receiver.accepted().map((one) => one.reading.seq)).toEqual([2]);
  });

  it("counts what has no usable number, and what is no batch, without an answer of its own", async () => {
    const { send, reading, receiver } = regionOf();
    const receipt = await send([{ ...reading(1), seq: 0 }, null, 7, "text"]);
    expect(receipt).toEqual({ series: SERIES, through: 0, refused: [], missing: [] });
    receiver.receive("hemhub/1/hub-0042/reading", Buffer.from("{"));
    receiver.receive("hemhub/1/hub-0042/reading", Uint8Array.of(0xff, 0xfe));
    receiver.receive("hemhub/1/hub-0042/state", Buffer.from("null"));
    expect(receiver.counts()).toMatchObject({ unreadable: 7, accepted: 0 });
  });

  it("flags a hub that begins its numbers again, and takes its readings", async () => {
    const { send, reading, events, receiver } = regionOf();
    await send([reading(1), reading(2), reading(3)]);
    expect(await send([reading(1, 101)])).toEqual({ series: SERIES, through: 1, refused: [], missing: [] });
    expect(await send([reading(2, 102), reading(3, 3)])).toEqual({
      series: SERIES,
      through: 3,
      refused: [],
      missing: [],
    });
    expect(events.filter((event) => event.tag === "numbering-restarted")).toHaveLength(1);
    expect(receiver.hub(HUB)).toMatchObject({ generation: 2, through: 3 });
    expect(receiver.counts()).toMatchObject({ accepted: 5, numberingRestarts: 1, duplicatesReceived: 1 });
  });

  it("covers nothing of the former numbers for a hub whose storage began anew, even where its first number is high", async () => {
    const { send, reading, receiver } = regionOf();
    await send([reading(1), reading(2), reading(3)]);
    const other = "ffffffffffff";
    expect(await send([reading(9, 109)], HUB, other)).toEqual({ series: other, through: 0, refused: [], missing: [] });
    expect(receiver.counts()).toMatchObject({ accepted: 4, numberingRestarts: 1 });
  });

  it("keeps its account over a change of broker, and answers on the new one", async () => {
    const { attachment, attach, send, reading, receipts, receiver } = regionOf();
    await send([reading(1)]);
    attachment[Symbol.dispose]();
    await send([reading(2)]);
    expect(receipts).toHaveLength(1);
    expect(receiver.counts().receiptsLost).toBe(1);
    attach();
    expect(await send([reading(2), reading(3)])).toEqual({ series: SERIES, through: 3, refused: [], missing: [] });
    expect(receiver.counts()).toMatchObject({ accepted: 3, duplicatesReceived: 1 });
  });

  it("sends nothing while silent, and loses receipts by its seed", async () => {
    const { send, reading, receiver, receipts } = regionOf({ faults: { silent: true } });
    await send([reading(1)]);
    expect(receipts).toHaveLength(0);
    receiver.setFaults({ loseReceipts: 0.5 });
    for (let number = 2; number <= 41; number++) await send([reading(number)]);
    const { receiptsSent, receiptsLost } = receiver.counts();
    expect(receiptsSent + receiptsLost).toBe(40);
    expect(receiptsLost).toBeGreaterThan(8);
    expect(receiptsLost).toBeLessThan(32);
  });

  it("speaks for all batches that came while a receipt was on its way", async () => {
    const { clock, events, receiver, reading } = regionOf();
    const through: number[] = [];
    const release: (() => void)[] = [];
    receiver.attach((_topic, payload) => {
      through.push(parseReceipt(payload).through);
      return new Promise((resolve) => release.push(resolve));
    });
    for (let number = 1; number <= 5; number++) {
      receiver.receive(topicOf(HUB, "reading"), encodeMessage({ series: SERIES, batch: [reading(number)] }));
      await clock.advance(millis(1));
    }
    expect(through).toEqual([1]);
    release[0]?.();
    await clock.advance(millis(1));
    expect(through).toEqual([1, 5]);
    release[1]?.();
    await clock.advance(millis(1));
    expect(events.filter((event) => event.tag === "receipt")).toHaveLength(2);
  });

  it("keeps the last state and the events of a hub", async () => {
    const { receiver } = regionOf();
    const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
    receiver.receive(topicOf(HUB, "state"), text({ schema: "state/1", online: true }));
    receiver.receive(topicOf(HUB, "state"), text({ schema: "state/1", online: false }));
    receiver.receive(topicOf(HUB, "event"), text({ schema: "event/1", code: "buffer-high" }));
    expect(receiver.hub(HUB)).toMatchObject({ state: { online: false }, events: [{ code: "buffer-high" }] });
    expect(receiver.hub(hubId("nobody"))).toBeNull();
  });

  it("leaves a hub with every reading accounted for, however messages are lost, doubled and shuffled", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { clock, receiver, reading, receipts } = regionOf({ seed, faults: { loseReceipts: 0.3 } });
      const waiting = new Map(Array.from({ length: 40 }, (_, index) => [index + 1, reading(index + 1)]));
      const chance = createChance(seed);
      for (let round = 0; waiting.size > 0; round++) {
        expect(round, `seed ${seed}`).toBeLessThan(200);
        for (const one of [...waiting.values()].toSorted(() => chance.fraction() - 0.5)) {
          const copies = chance.happens(0.3) ? 0 : chance.whole(1, 2);
          for (let copy = 0; copy < copies; copy++) {
            receiver.receive(topicOf(HUB, "reading"), encodeMessage({ series: SERIES, batch: [one] }));
          }
        }
        await clock.advance(millis(chance.whole(0, 700)));
        for (const receipt of receipts.splice(0)) {
          for (const number of [...waiting.keys()]) if (covers(receipt, number)) waiting.delete(number);
        }
      }
      expect(receiver.counts(), `seed ${seed}`).toMatchObject({ accepted: 40, duplicatesInEffect: 0, gaps: 0 });
    }
  });
});
