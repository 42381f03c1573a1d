import { describe, expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import { encodeMessage } from "../../protocol/messages.ts";
import type { ReadingText } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { cutBatch, largestPayload } from "./batch.ts";
import { publishPacketSize } from "./mqtt-limits.ts";

const SERIES = "0123456789ab";

const reading = (seq: number): Reading => ({ ...sampleReading(seq), seq: seq as Seq });
const textOf = (one: Reading): ReadingText => ({ seq: one.seq, json: Buffer.from(JSON.stringify(one)) });
const texts = (from: number, to: number): ReadingText[] => readings(from, to).map(textOf);
const readings = (from: number, to: number): Reading[] =>
  Array.from({ length: to - from + 1 }, (_, index) => reading(from + index));
const none = (): boolean => false;
const roomy = { aim: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
const batchIn = (payload: Uint8Array): Reading[] => JSON.parse(new TextDecoder().decode(payload)).batch;

describe("cutting a batch", () => {
  it("makes the message that the protocol describes", () => {
    const some = readings(1, 3);
    const cut = cutBatch(SERIES, some.map(textOf), none, roomy);
    expect(cut).toMatchObject({ seqs: [1, 2, 3], taken: 3, oversize: null });
    expect(cut.payload).toEqual(Buffer.from(encodeMessage({ series: SERIES, batch: some })));
  });

  it("leaves out what is under way, and is done with it", () => {
    const cut = cutBatch(SERIES, texts(1, 4), (seq) => seq % 2 === 0, roomy);
    expect(cut).toMatchObject({ seqs: [1, 3], taken: 4 });
  });

  it("takes what fits the aim, and one reading in any case", () => {
    const [one] = readings(1, 1);
    const size = JSON.stringify(one).length;
    expect(cutBatch(SERIES, texts(1, 9), none, { ...roomy, aim: size * 3 + 50 })).toMatchObject({ taken: 3 });
    expect(cutBatch(SERIES, texts(1, 9), none, { ...roomy, aim: 1 })).toMatchObject({ seqs: [1], taken: 1 });
  });

  it("counts bytes and not characters", () => {
    const foreign = readings(1, 4).map((one) => ({ ...one, device: { ...one.device, manufacturer: "å".repeat(500) } }));
    const limits = { aim: 4000, most: 4000 };
    const cut = cutBatch(SERIES, foreign.map(textOf), none, limits);
    expect(cut.payload.length).toBeLessThanOrEqual(4000);
    expect(batchIn(cut.payload)[0]).toEqual(foreign[0]);
  });

  it("names a reading that alone is too large, and sends first what comes before it", () => {
    const [first, second] = readings(1, 2);
    if (first === undefined || second === undefined) throw new Error("two readings");
    const huge = { ...second, provenance: { ...second.provenance, rawHex: "00".repeat(4000) } };
    const before = cutBatch(SERIES, [first, huge].map(textOf), none, { aim: 3000, most: 3000 });
    expect(before).toMatchObject({ seqs: [1], taken: 1, oversize: null });
    const alone = cutBatch(SERIES, [huge, first].map(textOf), none, { aim: 3000, most: 3000 });
    expect(alone).toMatchObject({ seqs: [], taken: 1, oversize: { seq: 2 } });
  });

  it("sends upwards what was read downwards", () => {
    const cut = cutBatch(SERIES, texts(1, 3).toReversed(), none, roomy, "descending");
    expect(cut.seqs).toEqual([1, 2, 3]);
    expect(batchIn(cut.payload).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it.each([127, 4096, 20_000, 300_000])("stays within a packet of %i bytes", (limit) => {
    const topic = "hemhub/1/hub-0042/reading";
    const payload = new Uint8Array(Math.max(0, largestPayload(limit, topic)));
    expect(publishPacketSize({ topic, payload, retain: false }, true)).toBeLessThanOrEqual(limit);
    expect(publishPacketSize({ topic, payload, retain: false }, true)).toBeGreaterThan(limit - 8);
  });
});
