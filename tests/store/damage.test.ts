import { copyFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FLOOR_BLOCK } from "../../gateway/store/number-floor.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { MAX_DAMAGED_KEPT } from "../../gateway/store/outbox-files.ts";
import { PAGE_SIZE } from "../../gateway/store/page-size.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";
import { createWatchedDatabase } from "./watched-database.ts";

let scratch: ScratchOutbox;

beforeEach(async () => {
  scratch = await createScratchOutbox();
});

afterEach(() => scratch[Symbol.asyncDispose]());

const COUNT = 60;

/** 60 readings, of which 10 are settled and one is refused, in a closed file. */
const prepare = async (): Promise<void> => {
  const outbox = await scratch.open();
  for (let n = 1; n <= COUNT; n += 1) await outbox.append([sampleReading(n)]);
  await outbox.settle(receipt(11, [[5, "no"]]));
  await outbox.nextCounter();
  const capture = { sensor: "cuff", channel: "2a35", reason: "short", rawHex: "16", receivedUtc: null };
  await outbox.keepUnreadable(capture);
  await outbox[Symbol.asyncDispose]();
};

const waitingIn = async (outbox: SqliteOutbox): Promise<number[]> =>
  (await outbox.next(0, 1000)).map((reading) => {
    expect(reading).toEqual({ ...sampleReading(reading.seq), seq: reading.seq });
    return reading.seq;
  });

const kept = async (): Promise<string[]> =>
  (await readdir(scratch.directory)).filter((name) => name.startsWith("outbox.db.damaged-")).toSorted();

const overwrite = async (from: number, bytes: Uint8Array): Promise<void> => {
  const content = await readFile(scratch.file("outbox.db"));
  content.set(bytes, from);
  await writeFile(scratch.file("outbox.db"), content);
};

const all = Array.from({ length: COUNT - 11 }, (_, i) => i + 12);

it("moves a file that is not a database aside, unchanged, and goes on above every number given", async () => {
  await prepare();
  const garbage = Buffer.from("not a database at all ".repeat(500));
  await writeFile(scratch.file("outbox.db"), garbage);
  const outbox = await scratch.open();
  expect(outbox.depth()).toMatchObject({ waiting: 0, newest: COUNT });
  expect(await outbox.append([sampleReading(900)])).toEqual([{ tag: "stored", seq: COUNT + 1 }]);
  expect(await outbox.nextCounter()).toBeGreaterThan(1);
  const [name = "none", ...more] = await kept();
  expect(more).toEqual([]);
  expect(name).toBe("outbox.db.damaged-20260615T120000Z");
  expect(await readFile(scratch.file(name))).toEqual(garbage);
  expect(outbox.recovered).toMatchObject({ readings: 0, lostAtMost: COUNT, movedTo: name, skippedTo: COUNT });
  expect(outbox.recovered?.sentence).toContain("0 readings were saved");
  expect(scratch.lines.some(({ level, fields }) => level === "error" && fields.path === name)).toBe(true);
});

it("saves everything when the header is gone", async () => {
  await prepare();
  await overwrite(0, new Uint8Array(100));
  const outbox = await scratch.open();
  expect(await waitingIn(outbox)).toEqual(all);
  expect(outbox.depth()).toMatchObject({ refused: 1 });
  expect(outbox.recovered).toMatchObject({ readings: all.length + 1, unreadable: 0, lostAtMost: 0 });
  expect(await outbox.append([sampleReading(3), sampleReading(40)])).toMatchObject([
    { tag: "duplicate", seq: 3 },
    { tag: "duplicate", seq: 40 },
  ]);
  expect(await outbox.unreadable(10)).toHaveLength(1);
});

it("saves everything when the whole first page is gone, and the journal with it", async () => {
  await prepare();
  await overwrite(0, new Uint8Array(PAGE_SIZE).fill(0xee));
  const outbox = await scratch.open();
  expect(await waitingIn(outbox)).toEqual(all);
});

it("saves the rest when pages in the middle are gone, and says how many numbers are in doubt", async () => {
  await prepare();
  await overwrite(40 * PAGE_SIZE, new Uint8Array(3 * PAGE_SIZE).fill(0x55));
  const outbox = await scratch.open();
  const saved = await waitingIn(outbox);
  const { lostAtMost = null, unreadable = 0 } = outbox.recovered ?? {};
  expect(saved.length).toBeGreaterThan(all.length - 15);
  expect(saved.length + unreadable + (lostAtMost ?? 0)).toBeGreaterThanOrEqual(all.length);
  expect(await outbox.append([sampleReading(901)])).toEqual([{ tag: "stored", seq: COUNT + 1 }]);
});

it("saves every reading when all pages that lead to them are gone", async () => {
  await prepare();
  const content = await readFile(scratch.file("outbox.db"));
  const INTERIOR = 0x05;
  let destroyed = 0;
  for (let page = PAGE_SIZE; page < content.length; page += PAGE_SIZE) {
    if (content[page] !== INTERIOR) continue;
    content.fill(0, page, page + PAGE_SIZE);
    destroyed += 1;
  }
  expect(destroyed).toBeGreaterThan(0);
  await writeFile(scratch.file("outbox.db"), content);
  const outbox = await scratch.open();
  expect(await waitingIn(outbox)).toEqual(expect.arrayContaining(all));
  expect(outbox.depth().newest).toBe(COUNT);
});

it("saves what is left of a file that was cut short", async () => {
  await prepare();
  const { length } = await readFile(scratch.file("outbox.db"));
  await truncate(scratch.file("outbox.db"), Math.floor(length / PAGE_SIZE / 2) * PAGE_SIZE);
  const outbox = await scratch.open();
  expect((await waitingIn(outbox)).length).toBeGreaterThan(5);
  expect(outbox.recovered).not.toBeNull();
});

const seriesNow = async (): Promise<string> => {
  const outbox = await scratch.open();
  const { series } = outbox;
  await outbox[Symbol.asyncDispose]();
  return series;
};

it("names its numbers anew where database and floor are both gone", async () => {
  await prepare();
  const before = await seriesNow();
  await rm(scratch.file("outbox.db"));
  await rm(scratch.file("outbox.floor"));
  expect((await scratch.open()).series).not.toBe(before);
});

it.each(["removed", "emptied"])(
  "does not start empty in silence, or from number 1, when the file was %s",
  async (how) => {
    await prepare();
    const series = await seriesNow();
    if (how === "removed") await rm(scratch.file("outbox.db"));
    else await truncate(scratch.file("outbox.db"), 0);
    const outbox = await scratch.open();
    expect(outbox.series).toBe(series);
    expect(outbox.recovered?.sentence).toContain("the database is gone");
    expect(outbox.depth()).toMatchObject({ waiting: 0, newest: COUNT });
    expect(await outbox.append([sampleReading(1)])).toEqual([{ tag: "stored", seq: COUNT + 1 }]);
  },
);

it("goes on above every number given when an old copy of the file was put back", async () => {
  await prepare();
  await copyFile(scratch.file("outbox.db"), scratch.file("old-copy"));
  const outbox = await scratch.open();
  await outbox.append(Array.from({ length: FLOOR_BLOCK + 100 }, (_, i) => sampleReading(1000 + i)));
  await outbox[Symbol.asyncDispose]();
  await rename(scratch.file("old-copy"), scratch.file("outbox.db"));
  const again = await scratch.open();
  expect(again.recovered?.sentence).toContain("the newest part of the database is gone");
  expect(again.depth()).toMatchObject({ waiting: all.length, newest: COUNT + FLOOR_BLOCK + 100 });
}, 30_000);

it("finishes a salvage that was cut at any step, without losing anything", async () => {
  await prepare();
  await overwrite(0, new Uint8Array(100));
  const damaged = await readFile(scratch.file("outbox.db"));
  const first = await scratch.open();
  await first[Symbol.asyncDispose]();
  const complete = await readFile(scratch.file("outbox.db"));
  const floor = await readFile(scratch.file("outbox.floor"));
  const key = await readFile(scratch.file("outbox.key"));
  const states: Record<string, Record<string, Uint8Array>> = {
    "while the new file is filled": { "outbox.db": damaged, "outbox.db.new": complete.subarray(0, 3000) },
    "while a patched copy is read": { "outbox.db": damaged, "outbox.db.new": complete, "outbox.db.patched": damaged },
    "before the damaged file moves": { "outbox.db": damaged, "outbox.db.salvaged": complete },
    "after the damaged file moved": { "outbox.db.damaged-1": damaged, "outbox.db.salvaged": complete },
  };
  for (const [step, files] of Object.entries(states)) {
    const directory = join(scratch.directory, step.replaceAll(" ", "-"));
    await mkdir(directory);
    await writeFile(join(directory, "outbox.floor"), floor);
    await writeFile(join(directory, "outbox.key"), key);
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
    const outbox = await openSqliteOutbox({ directory, clock: scratch.clock, logger: silentLogger });
    expect(await waitingIn(outbox), step).toEqual(all);
    await outbox[Symbol.asyncDispose]();
    const left = (await readdir(directory)).filter((name) => /new|patched|salvaged|mended/.test(name));
    expect(left, step).toEqual([]);
    expect((await readdir(directory)).filter((name) => name.includes("damaged"))).toHaveLength(1);
  }
});

it("keeps damaged files up to a bound, each under a name of its own", async () => {
  await prepare();
  for (let n = 0; n < MAX_DAMAGED_KEPT + 3; n += 1) {
    await overwrite(0, new Uint8Array(100));
    await (await scratch.open())[Symbol.asyncDispose]();
  }
  expect(await kept()).toHaveLength(MAX_DAMAGED_KEPT);
  expect(await waitingIn(await scratch.open())).toEqual(all);
});

it("salvages at once when the damage shows while the hub runs", async () => {
  await prepare();
  const watched = createWatchedDatabase();
  const outbox = await scratch.open({ openDatabase: watched.open });
  watched.failOn(/^SELECT seq, format/, "outbox-corrupt");
  watched.failOn(/^PRAGMA quick_check/, "outbox-corrupt");
  await expect(outbox.next(0, 10)).rejects.toMatchObject({ code: "outbox-corrupt" });
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(await waitingIn(outbox)).toEqual(all);
  expect(outbox.recovered).toMatchObject({ readings: all.length + 1 });
});

/** Where the schema names the column of the digests. */
const columnIn = (content: Buffer): number => content.indexOf("idem BLOB");

/** Where the first interior page has the number that divides its first two children (sqlite.org/fileformat2.html 1.6). */
const dividerIn = (content: Buffer): number => {
  const INTERIOR = 0x05;
  const HEADER = 12;
  const CHILD = 4;
  for (let page = PAGE_SIZE; page < content.length; page += PAGE_SIZE) {
    if (content[page] === INTERIOR) return page + content.readUInt16BE(page + HEADER) + CHILD;
  }
  throw new Error("no interior page: the table is too small for this test");
};

it("F08: never gives back an altered reading, and reports what it cannot, wherever a byte of the file flips", async () => {
  await prepare();
  const whole = await readFile(scratch.file("outbox.db"));
  const floor = await readFile(scratch.file("outbox.floor"));
  const key = await readFile(scratch.file("outbox.key"));
  let round = 0;
  const flip = fc.record({ at: fc.nat(whole.length - 1), bits: fc.integer({ min: 1, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(flip, async ({ at, bits }) => {
      const directory = join(scratch.directory, `flip-${round}`);
      round += 1;
      await mkdir(directory);
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ bits;
      await writeFile(join(directory, "outbox.db"), damaged);
      await writeFile(join(directory, "outbox.floor"), floor);
      await writeFile(join(directory, "outbox.key"), key);
      let reported = 0;
      const error = (): void => {
        reported += 1;
      };
      const logger = { ...silentLogger, error };
      const outbox = await openSqliteOutbox({ directory, clock: scratch.clock, logger });
      try {
        const waiting = await waitingIn(outbox);
        const fewer = waiting.length < all.length;
        expect(!fewer || reported > 0, `byte ${at}: ${waiting.length} of ${all.length} without a report`).toBe(true);
        expect(waiting.length, `byte ${at}`).toBeGreaterThanOrEqual(all.length - 5);
        const [next] = await outbox.append([sampleReading(999)]);
        expect(next?.seq).toBeGreaterThan(COUNT);
      } finally {
        await outbox[Symbol.asyncDispose]();
        await rm(directory, { recursive: true });
      }
    }),
    // A divider of the tree: SQL passes over half of the readings there without an error.
    // And the name of a column in the table's own text: SQL does not find it then.
    { numRuns: 60, examples: [[{ at: dividerIn(whole), bits: 64 }], [{ at: columnIn(whole), bits: 127 }]] },
  );
}, 60_000);

it("F08: notices a flipped byte in the journal, and loses no more than the readings on that page", async () => {
  const outbox = await scratch.open();
  for (let n = 1; n <= COUNT; n += 1) await outbox.append([sampleReading(n)]);
  const image: Record<string, Uint8Array> = {};
  for (const name of ["outbox.db", "outbox.db-wal", "outbox.floor", "outbox.key"])
    image[name] = await readFile(scratch.file(name));
  const length = image["outbox.db-wal"]?.length ?? 0;
  let round = 0;
  const flip = fc.record({ at: fc.nat(length - 1), bits: fc.integer({ min: 1, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(flip, async ({ at, bits }) => {
      const directory = join(scratch.directory, `flip-${round}`);
      round += 1;
      await mkdir(directory);
      for (const [name, content] of Object.entries(image)) {
        const copy = Buffer.from(content);
        if (name === "outbox.db-wal") copy[at] = (copy[at] ?? 0) ^ bits;
        await writeFile(join(directory, name), copy);
      }
      const again = await openSqliteOutbox({ directory, clock: scratch.clock, logger: silentLogger });
      try {
        const waiting = await waitingIn(again);
        // The last commits cannot be told from a torn end; nothing else may go.
        const atEnd = at > length - 12 * (PAGE_SIZE + 24);
        expect(waiting.length, `byte ${at} of ${length}`).toBeGreaterThanOrEqual(COUNT - 3);
        expect(atEnd || again.recovered !== null, `byte ${at} of ${length} went unnoticed`).toBe(true);
        const [next] = await again.append([sampleReading(999)]);
        if (!atEnd) expect(next?.seq).toBeGreaterThan(COUNT);
      } finally {
        await again[Symbol.asyncDispose]();
        await rm(directory, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
