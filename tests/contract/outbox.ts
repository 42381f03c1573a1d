import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Seq } from "../../protocol/ids.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { receipt } from "./outbox-receipts.ts";

const seqs = (readings: readonly { readonly seq: number }[]): number[] => readings.map((one) => one.seq);

/** What every implementation of the port promises. `open` opens the outbox that lives in `place`; again after a close. */
export const outboxContract = (name: string, open: (place: string) => Promise<Outbox>): void => {
  describe(`outbox contract: ${name}`, () => {
    let place: string;
    let outbox: Outbox;

    beforeEach(async () => {
      place = await mkdtemp(join(tmpdir(), "hemhub-outbox-"));
      outbox = await open(place);
    });

    afterEach(async () => {
      await outbox[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    });

    const restart = async (): Promise<void> => {
      await outbox[Symbol.asyncDispose]();
      outbox = await open(place);
    };

    const fill = async (count: number): Promise<void> => {
      await outbox.append(Array.from({ length: count }, (_, i) => sampleReading(i + 1)));
    };

    it("is empty at first", async () => {
      expect(outbox.depth()).toEqual({ waiting: 0, refused: 0, oldest: null, newest: null });
      expect(await outbox.next(0, 10)).toEqual([]);
      expect(await outbox.newest(null, 10)).toEqual([]);
    });

    it("names its series of numbers, the same after a restart", async () => {
      const { series } = outbox;
      expect(series).toMatch(/^[0-9a-f]{12}$/);
      await outbox.append([sampleReading(1)]);
      await restart();
      expect(outbox.series).toBe(series);
    });

    it("does nothing for a receipt of another series, and says that it is not its own", async () => {
      await fill(2);
      expect(await outbox.settle({ ...receipt(2), series: "another" })).toMatchObject({ settled: 0, unknown: true });
      expect(outbox.depth().waiting).toBe(2);
      expect(await outbox.settle({ ...receipt(2), series: outbox.series })).toMatchObject({ settled: 2 });
    });

    it("gives the same as text, from memory and from the disk, without what is settled", async () => {
      const asText = (readings: readonly Reading[]): unknown[] =>
        readings.map((one) => ({ seq: one.seq, json: Buffer.from(JSON.stringify(one)) }));
      const compare = async (): Promise<void> => {
        for (const [after, limit] of [
          [0, 3],
          [2, 100],
          [5, 1],
        ] as const) {
          expect(await outbox.nextTexts(after as Seq | 0, limit)).toEqual(
            asText(await outbox.next(after as Seq | 0, limit)),
          );
        }
        for (const [before, limit] of [
          [null, 3],
          [4 as Seq, 100],
        ] as const) {
          expect(await outbox.newestTexts(before, limit)).toEqual(asText(await outbox.newest(before, limit)));
        }
      };
      await fill(6);
      await compare();
      await outbox.settle(receipt(4, [], [[2, 2]]));
      await compare();
      expect((await outbox.nextTexts(0, 10)).map(({ seq }) => seq)).toEqual([2, 5, 6]);
      await restart();
      await outbox.append([sampleReading(7)]);
      await compare();
      expect((await outbox.newestTexts(null, 10)).map(({ seq }) => seq)).toEqual([7, 6, 5, 2]);
    });

    it("gives numbers from 1 upwards, one for each reading, in the order of the readings", async () => {
      expect(await outbox.append([sampleReading(1), sampleReading(2)])).toEqual([
        { tag: "stored", seq: 1 },
        { tag: "stored", seq: 2 },
      ]);
      expect(await outbox.append([sampleReading(3)])).toEqual([{ tag: "stored", seq: 3 }]);
      expect(outbox.depth()).toEqual({ waiting: 3, refused: 0, oldest: 1, newest: 3 });
    });

    it("gives back exactly what was appended, with its number", async () => {
      await outbox.append([sampleReading(7)]);
      expect(await outbox.next(0, 10)).toEqual([{ ...sampleReading(7), seq: 1 }]);
    });

    it("takes nothing from an empty append", async () => {
      expect(await outbox.append([])).toEqual([]);
      expect(outbox.depth().newest).toBeNull();
    });

    it("numbers concurrent appends without gaps or doubles, in the order of the calls", async () => {
      const results = await Promise.all(Array.from({ length: 300 }, (_, i) => outbox.append([sampleReading(i)])));
      expect(results.flat()).toEqual(results.map((_, i) => ({ tag: "stored", seq: i + 1 })));
      expect(seqs(await outbox.next(0, 1000))).toEqual(results.map((_, i) => i + 1));
    });

    it("reads on above a number, ascending, up to the limit", async () => {
      await fill(5);
      expect(seqs(await outbox.next(0, 2))).toEqual([1, 2]);
      expect(seqs(await outbox.next(2 as Seq, 2))).toEqual([3, 4]);
      expect(seqs(await outbox.next(4 as Seq, 2))).toEqual([5]);
      expect(seqs(await outbox.next(5 as Seq, 2))).toEqual([]);
      expect(await outbox.next(0, 0)).toEqual([]);
    });

    it("reads the newest first, descending, up to the limit", async () => {
      await fill(5);
      expect(seqs(await outbox.newest(null, 2))).toEqual([5, 4]);
      expect(seqs(await outbox.newest(4 as Seq, 2))).toEqual([3, 2]);
      expect(seqs(await outbox.newest(2 as Seq, 9))).toEqual([1]);
      expect(await outbox.newest(1 as Seq, 9)).toEqual([]);
    });

    it("knows a reading that it has, and gives it no second number", async () => {
      await fill(2);
      expect(await outbox.append([sampleReading(2), sampleReading(3)])).toEqual([
        { tag: "duplicate", seq: 2 },
        { tag: "stored", seq: 3 },
      ]);
      expect(outbox.depth().waiting).toBe(3);
    });

    it("knows a reading that comes twice in one append or in concurrent ones", async () => {
      const [twice, again] = await Promise.all([
        outbox.append([sampleReading(1), sampleReading(1)]),
        outbox.append([sampleReading(1)]),
      ]);
      expect(twice).toEqual([
        { tag: "stored", seq: 1 },
        { tag: "duplicate", seq: 1 },
      ]);
      expect(again).toEqual([{ tag: "duplicate", seq: 1 }]);
      expect(outbox.depth().waiting).toBe(1);
    });

    it("still knows a reading that was settled, also after a restart", async () => {
      await fill(2);
      await outbox.settle(receipt(2));
      expect(await outbox.append([sampleReading(1)])).toEqual([{ tag: "duplicate", seq: 1 }]);
      await restart();
      expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "duplicate", seq: 2 }]);
      expect(outbox.depth()).toEqual({ waiting: 0, refused: 0, oldest: null, newest: 2 });
    });

    it("drops what the region has, and says so at once", async () => {
      await fill(5);
      const settlement = outbox.settle(receipt(3));
      expect(await settlement).toEqual({ settled: 3, refused: 0, resend: [], unknown: false });
      expect(outbox.depth()).toEqual({ waiting: 2, refused: 0, oldest: 4, newest: 5 });
      expect(seqs(await outbox.next(0, 10))).toEqual([4, 5]);
      expect(seqs(await outbox.newest(null, 10))).toEqual([5, 4]);
    });

    it("keeps what the region refuses, and never sends it again", async () => {
      await fill(4);
      const answer = { settled: 3, refused: 1, resend: [], unknown: false };
      expect(await outbox.settle(receipt(4, [[2, "unknown assignment"]]))).toEqual(answer);
      expect(outbox.depth()).toEqual({ waiting: 0, refused: 1, oldest: null, newest: 4 });
      expect(await outbox.next(0, 10)).toEqual([]);
      await outbox.settle(receipt(4));
      await restart();
      expect(outbox.depth()).toEqual({ waiting: 0, refused: 1, oldest: null, newest: 4 });
      expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "duplicate", seq: 2 }]);
    });

    it("keeps what the region misses, and names it for sending again", async () => {
      await fill(6);
      const answer = { settled: 3, refused: 0, resend: [2, 3, 5], unknown: false };
      const partial = receipt(
        6,
        [],
        [
          [2, 3],
          [5, 5],
        ],
      );
      expect(await outbox.settle(partial)).toEqual(answer);
      expect(seqs(await outbox.next(0, 10))).toEqual([2, 3, 5]);
      expect(seqs(await outbox.next(2 as Seq, 1))).toEqual([3]);
      expect(seqs(await outbox.newest(null, 2))).toEqual([5, 3]);
    });

    it("names numbers that the region misses and the outbox no longer has", async () => {
      await fill(3);
      await outbox.settle(receipt(3));
      const answer = { settled: 0, refused: 0, resend: [2], unknown: false };
      expect(await outbox.settle(receipt(3, [], [[2, 2]]))).toEqual(answer);
      expect(outbox.depth().waiting).toBe(0);
    });

    it("sends a refused reading again when the region asks for it", async () => {
      await fill(2);
      await outbox.settle(receipt(2, [[2, "not now"]]));
      expect((await outbox.settle(receipt(2, [], [[2, 2]]))).resend).toEqual([2]);
      expect(outbox.depth()).toEqual({ waiting: 1, refused: 0, oldest: 2, newest: 2 });
      await restart();
      expect(seqs(await outbox.next(0, 10))).toEqual([2]);
    });

    it("lets refusal win where a number is refused and missing", async () => {
      await fill(1);
      const both = await outbox.settle(receipt(1, [[1, "no"]], [[1, 1]]));
      expect(both).toEqual({ settled: 0, refused: 1, resend: [], unknown: false });
      expect(outbox.depth().refused).toBe(1);
    });

    it("applies a receipt twice as once", async () => {
      await fill(5);
      const same = receipt(4, [[2, "no"]], [[3, 3]]);
      await outbox.settle(same);
      expect(await outbox.settle(same)).toEqual({ settled: 0, refused: 0, resend: [3], unknown: false });
      expect(outbox.depth()).toEqual({ waiting: 2, refused: 1, oldest: 3, newest: 5 });
    });

    it("ignores a receipt that names numbers never given, and says so", async () => {
      await fill(2);
      const ignored = { settled: 0, refused: 0, resend: [], unknown: true };
      expect(await outbox.settle(receipt(3))).toEqual(ignored);
      expect(await outbox.settle(receipt(2, [[3, "no"]]))).toEqual(ignored);
      expect(await outbox.settle(receipt(2, [], [[2, 3]]))).toEqual(ignored);
      expect(outbox.depth().waiting).toBe(2);
    });

    it("accounts for nothing with a receipt through 0", async () => {
      expect((await outbox.settle(receipt(0))).unknown).toBe(false);
      await fill(1);
      expect((await outbox.settle(receipt(0))).settled).toBe(0);
      expect(outbox.depth().waiting).toBe(1);
    });

    it("has everything after a restart", async () => {
      await fill(5);
      await outbox.settle(receipt(2, [], [[1, 1]]));
      const before = { depth: outbox.depth(), readings: await outbox.next(0, 10) };
      await restart();
      expect({ depth: outbox.depth(), readings: await outbox.next(0, 10) }).toEqual(before);
    });

    it("never gives a number again, though all readings are settled and the outbox is opened anew", async () => {
      await fill(3);
      await outbox.settle(receipt(3));
      await restart();
      expect(await outbox.append([sampleReading(4)])).toEqual([{ tag: "stored", seq: 4 }]);
    });

    it("counts up by one at each call, also concurrent ones", async () => {
      const first = await outbox.nextCounter();
      const more = await Promise.all(Array.from({ length: 2500 }, () => outbox.nextCounter()));
      expect(more).toEqual(more.map((_, i) => first + 1 + i));
    });

    it("counts on after a restart", async () => {
      const before = [await outbox.nextCounter(), await outbox.nextCounter()];
      await restart();
      expect(await outbox.nextCounter()).toBe((before[1] ?? 0) + 1);
    });

    it("stores what was under way when it is closed", async () => {
      const appends = Array.from({ length: 20 }, (_, i) => outbox.append([sampleReading(i)]));
      const closing = outbox[Symbol.asyncDispose]();
      expect((await Promise.all(appends)).flat()).toHaveLength(20);
      await closing;
      outbox = await open(place);
      expect(outbox.depth().waiting).toBe(20);
    });

    it("refuses everything once closed, and closes twice as once", async () => {
      await fill(1);
      await outbox[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      const closed = { code: "outbox-closed" };
      await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject(closed);
      await expect(outbox.next(0, 1)).rejects.toMatchObject(closed);
      await expect(outbox.newest(null, 1)).rejects.toMatchObject(closed);
      await expect(outbox.settle(receipt(1))).rejects.toMatchObject(closed);
      await expect(outbox.nextCounter()).rejects.toMatchObject(closed);
    });

    it("takes bytes that nobody could read without making them a reading", async () => {
      await outbox.keepUnreadable({
        sensor: "cuff",
        channel: "2a35",
        reason: "too short",
        rawHex: "16",
        receivedUtc: null,
      });
      expect(outbox.depth()).toEqual({ waiting: 0, refused: 0, oldest: null, newest: null });
    });
  });
};
