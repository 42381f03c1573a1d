import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import { millis } from "../../protocol/time.ts";
import { decoded, malformed } from "../driver.ts";
import type { LineWatch } from "./line-watch.ts";
import type { Stored, StoredMemory } from "./meter-protocol.ts";
import { type ReadOut, readOut } from "./read-out.ts";
import { seenRecords, writeSeen } from "./seen-records.ts";

const AT = { utc: null, bootId: "boot", monoMs: millis(0), hubClock: { state: "unset", errorMs: null } } as const;
/** A record that no decoder understands. */
const UNREADABLE = 0xffff;

const rawOf = (record: number): Uint8Array => Uint8Array.of(record >> 8, record & 0xff);
const recordOf = (raw: Uint8Array): number => ((raw[0] ?? 0) << 8) | (raw[1] ?? 0);

/** What may go wrong in one read-out, by the number of the record or of the commit. */
interface Trouble {
  /** The line is over after so many records. */
  readonly endsAfter: number | null;
  /** These come spoiled. */
  readonly lost: ReadonlySet<number>;
  /** The store refuses this commit, from 1. */
  readonly refuses: number | null;
}

const NO_TROUBLE: Trouble = { endsAfter: null, lost: new Set(), refuses: null };

interface Meter {
  records: readonly number[];
  readonly taken: number[];
  readonly kept: number[];
  readonly remembers: SensorMemory;
  asked: number;
}

const meter = (): Meter => ({ records: [], taken: [], kept: [], remembers: createMemorySensorMemory(), asked: 0 });

const memoryOf = (from: Meter, order: StoredMemory["order"], { endsAfter, lost }: Trouble): StoredMemory => ({
  name: "",
  order,
  read: async function* (): AsyncGenerator<Stored, void, undefined> {
    const told = order === "newest-first" ? from.records.toReversed() : from.records;
    for (const [at, record] of told.entries()) {
      if (at === endsAfter) throw new Error("the line is over");
      from.asked += 1;
      yield lost.has(at) ? { tag: "lost" } : { tag: "record", raw: rawOf(record), at: AT };
    }
  },
});

const outOf = (from: Meter, { refuses }: Trouble): ReadOut<number> => {
  let commits = 0;
  const watch: LineWatch = {
    readable: () => undefined,
    unreadable: async () => undefined,
    malformed: async (raw) => {
      from.kept.push(recordOf(raw));
    },
  };
  return {
    protocol: {
      decode: (raw) => (recordOf(raw) === UNREADABLE ? malformed("format", "no record") : decoded(recordOf(raw))),
      identityOf: (raw) => raw,
    },
    take: async (records) => {
      if (records.length === 0) return 0;
      commits += 1;
      if (commits === refuses) throw new Error("the disk is full");
      from.taken.push(...records.map(({ record }) => record));
      return records.length;
    },
    remembers: from.remembers,
    watch,
    pairs: { before: null, after: null },
    serial: null,
  };
};

const read = (from: Meter, order: StoredMemory["order"], trouble: Trouble = NO_TROUBLE): Promise<boolean> =>
  readOut(memoryOf(from, order, trouble), outOf(from, trouble));

const range = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => from + at);
const distinct = (numbers: readonly number[]): readonly number[] => [...new Set(numbers)].toSorted((a, b) => a - b);

describe.each(["newest-first", "oldest-first", "unordered"] as const)("a memory that is told %s", (order) => {
  it("is taken once, and then what is new", async () => {
    const one = meter();
    one.records = range(1, 50);
    expect(await read(one, order)).toBe(true);
    expect(one.taken.toSorted((a, b) => a - b)).toEqual(range(1, 50));
    one.records = range(1, 53);
    expect(await read(one, order)).toBe(true);
    expect(await read(one, order)).toBe(true);
    expect(one.taken.toSorted((a, b) => a - b)).toEqual(range(1, 53));
  });

  it("is taken as a whole when nothing of it is known any more", async () => {
    const one = meter();
    one.records = range(1, 20);
    await read(one, order);
    one.records = range(100, 30);
    expect(await read(one, order)).toBe(true);
    expect(one.taken.slice(20).toSorted((a, b) => a - b)).toEqual(range(100, 30));
    one.records = [];
    expect(await read(one, order)).toBe(true);
  });

  it("is not held up by a record that cannot be read, which is kept", async () => {
    const one = meter();
    one.records = [1, 2, UNREADABLE, 3, 4];
    expect(await read(one, order)).toBe(true);
    expect(one.taken.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    await read(one, order);
    expect(one.kept).toEqual([UNREADABLE]);
  });

  it("loses nothing, whatever goes wrong on the way, and takes nothing twice where nothing does", async () => {
    const step = fc.record({
      grows: fc.nat(40),
      isCleared: fc.boolean(),
      endsAfter: fc.option(fc.nat(60)),
      lost: fc.uniqueArray(fc.nat(60), { maxLength: 3 }),
      refuses: fc.option(fc.integer({ min: 1, max: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const one = meter();
        let next = 1;
        for (const { grows, isCleared, endsAfter, lost, refuses } of steps) {
          // Only what was read may be cleared: what a meter forgets before is lost to everybody.
          const allTaken = one.records.every((record) => one.taken.includes(record));
          if (isCleared && allTaken) one.records = [];
          one.records = [...one.records, ...range(next, grows)].slice(-2000);
          next += grows;
          const trouble = { endsAfter, lost: new Set(lost), refuses };
          const isComplete = await read(one, order, trouble).catch(() => false);
          if (isComplete) expect(one.records.filter((record) => !one.taken.includes(record))).toEqual([]);
        }
        // A meter that is read twice without trouble is read.
        await read(one, order);
        expect(await read(one, order)).toBe(true);
        expect(one.records.filter((record) => !one.taken.includes(record))).toEqual([]);
        const before = one.taken.length;
        one.records = [...one.records, next];
        await read(one, order);
        expect(one.taken.slice(before)).toEqual([next]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a read-out that broke off, newest first", () => {
  it("goes on below what it had, with what is new above", async () => {
    const one = meter();
    one.records = range(1, 100);
    await expect(read(one, "newest-first", { ...NO_TROUBLE, endsAfter: 40 })).rejects.toThrow("the line is over");
    expect(distinct(one.taken)).toEqual(range(61, 40));
    one.records = range(1, 105);
    expect(await read(one, "newest-first")).toBe(true);
    expect(one.taken).toHaveLength(105);
    expect(distinct(one.taken)).toEqual(range(1, 105));
  });

  it("does not read the first part again when it breaks off above it", async () => {
    const one = meter();
    one.records = range(1, 100);
    await expect(read(one, "newest-first", { ...NO_TROUBLE, endsAfter: 40 })).rejects.toThrow("the line is over");
    one.records = range(1, 120);
    await expect(read(one, "newest-first", { ...NO_TROUBLE, endsAfter: 18 })).rejects.toThrow("the line is over");
    expect(await read(one, "newest-first")).toBe(true);
    expect(distinct(one.taken)).toEqual(range(1, 120));
    expect(one.taken).toHaveLength(120 + 18);
  });

  it("begins anew when the end of what it had is no longer there", async () => {
    const one = meter();
    one.records = range(1, 100);
    await expect(read(one, "newest-first", { ...NO_TROUBLE, endsAfter: 40 })).rejects.toThrow("the line is over");
    one.records = one.records.filter((record) => record !== 61);
    expect(await read(one, "newest-first")).toBe(false);
    expect(await read(one, "newest-first")).toBe(true);
    expect(distinct(one.taken)).toEqual(range(1, 100));
  });

  it("stops at what is known", async () => {
    const one = meter();
    one.records = range(1, 100);
    await read(one, "newest-first");
    one.asked = 0;
    one.records = range(1, 102);
    await read(one, "newest-first");
    expect(one.asked).toBe(3);
  });
});

describe("a read-out that broke off, oldest first", () => {
  it("forgets nothing of what it knew when it did not get as far as that", async () => {
    const one = meter();
    one.records = range(1, 20);
    await read(one, "oldest-first");
    one.records = range(1, 25);
    expect(await read(one, "oldest-first", { ...NO_TROUBLE, lost: new Set([5]) })).toBe(false);
    expect(await read(one, "oldest-first")).toBe(true);
    expect(distinct(one.taken)).toEqual(range(1, 25));
    // The five before the lost one were taken twice, which is one reading each; the other twenty only once.
    expect(one.taken).toHaveLength(25 + 5);
  });
});

describe("what is remembered of a memory without order", () => {
  it("fits into the texts of a sensor, for the largest memory and every record of it", async () => {
    const lengths: number[] = [];
    const texts = new Map<string, string>();
    const memory: SensorMemory = {
      read: (key) => texts.get(key) ?? null,
      write: async (key, text) => {
        expect(key.length).toBeLessThanOrEqual(64);
        lengths.push(text.length);
        texts.set(key, text);
      },
    };
    const prints = range(0, 2000).map((record) => record.toString(16).padStart(8, "0").padEnd(32, "0"));
    await writeSeen(memory, "user-1", prints);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1024);
    expect(texts.size).toBeLessThanOrEqual(32);
    const isSeen = seenRecords(memory, "user-1");
    expect(prints.every(isSeen)).toBe(true);
    expect(isSeen("ffffffff00000000")).toBe(false);
    expect(seenRecords(memory, "user-2")(prints[0] ?? "")).toBe(false);
    const before = lengths.length;
    await writeSeen(memory, "user-1", prints);
    expect(lengths.length).toBe(before);
    await writeSeen(memory, "user-1", prints.slice(0, 3));
    expect(seenRecords(memory, "user-1")(prints[3] ?? "")).toBe(false);
  });

  it("is nothing where the memory makes no sense", async () => {
    const memory = createMemorySensorMemory({ "seen-0": "what?", read: "x y z" });
    expect(seenRecords(memory, "")("00000000")).toBe(false);
    const one = { ...meter(), remembers: memory };
    one.records = range(1, 5);
    expect(await read(one, "newest-first")).toBe(true);
    expect(one.taken).toHaveLength(5);
  });
});
