import { readFile, stat } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RIDE_EVERY } from "../../gateway/store/committer.ts";
import { SETTLE_WITHIN } from "../../gateway/store/outbox.ts";
import { SETTLE_AT_ONCE } from "../../gateway/store/settlement-queue.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { millis } from "../../protocol/time.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { until } from "../support/until.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";
import { createWatchedDatabase, type WatchedDatabase } from "./watched-database.ts";

let scratch: ScratchOutbox;
let watched: WatchedDatabase;

beforeEach(async () => {
  scratch = await createScratchOutbox();
  watched = createWatchedDatabase();
});

afterEach(() => scratch[Symbol.asyncDispose]());

const open = () => scratch.open({ openDatabase: watched.open });

/** Statements since `from` that end in an fsync: a commit, or one that is its own transaction. */
const durableWrites = (from: number): string[] => {
  let inside = false;
  return watched.statements.slice(from).filter((line) => {
    const sql = line.replace(/^\d+ /, "");
    if (sql.startsWith("BEGIN")) inside = true;
    if (sql.startsWith("COMMIT")) inside = false;
    return sql.startsWith("COMMIT") || (!inside && /^(INSERT|UPDATE|DELETE)/.test(sql));
  });
};

it("stores one reading with one statement and one fsync, but for the first of a sensor and day", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  const from = watched.statements.length;
  await outbox.append([sampleReading(2)]);
  expect(watched.statements.slice(from)).toHaveLength(1);
  expect(durableWrites(from)).toHaveLength(1);
});

it("lets concurrent appends share commits, with what comes during one going into the next", async () => {
  const outbox = await open();
  const from = watched.statements.length;
  const goOn = watched.holdUp(/^INSERT INTO reading/);
  const first = outbox.append([sampleReading(0)]);
  await until(() => watched.statements.length > from, "the first insert is under way");
  const others = Array.from({ length: 200 }, (_, i) => outbox.append([sampleReading(i + 1)]));
  goOn();
  await Promise.all([first, ...others]);
  expect(durableWrites(from)).toHaveLength(2);
  expect(outbox.depth().waiting).toBe(201);
});

it("bounds a group, so that a flood does not make the first wait for the last", async () => {
  const outbox = await open();
  const from = watched.statements.length;
  await Promise.all(Array.from({ length: 600 }, (_, i) => outbox.append([sampleReading(i)])));
  expect(durableWrites(from).length).toBeGreaterThanOrEqual(3);
});

it("says that a reading is stored only after the commit", async () => {
  const outbox = await open();
  const goOn = watched.holdUp(/^INSERT INTO reading/);
  const from = watched.statements.length;
  let answered = false;
  const append = outbox.append([sampleReading(1)]).then(() => {
    answered = true;
  });
  await until(() => watched.statements.length > from, "the insert is under way");
  await scratch.clock.advance(millis(1000));
  expect(answered).toBe(false);
  expect(outbox.depth().waiting).toBe(0);
  goOn();
  await append;
  expect(outbox.depth().waiting).toBe(1);
});

it("lets a settlement ride with the next append: one fsync for both", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  await outbox.settle(receipt(1));
  const from = watched.statements.length;
  await outbox.append([sampleReading(2)]);
  expect(durableWrites(from)).toHaveLength(1);
  expect(watched.statements.slice(from).some((line) => line.includes("DELETE FROM reading"))).toBe(true);
});

it("says that a refused reading waits again only when that is written, for a crash must not leave it refused", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1), sampleReading(2)]);
  await outbox.settle(receipt(2, [[1, "not now"]]));
  await outbox.append([sampleReading(3)]);
  const from = watched.statements.length;
  const goOn = watched.holdUp(/^UPDATE reading/);
  let answered = false;
  const settling = outbox.settle(receipt(2, [], [[1, 1]])).then(() => {
    answered = true;
  });
  await until(
    () => watched.statements.slice(from).some((line) => line.includes("UPDATE")),
    "the mark is being written",
  );
  expect(answered).toBe(false);
  goOn();
  await settling;
  expect(durableWrites(from)).toHaveLength(1);
  expect((await outbox.next(0, 10)).map(({ seq }) => seq)).toEqual([1, 3]);
});

it("writes a settlement by itself when nothing is appended for a while", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  await outbox.settle(receipt(1));
  const from = watched.statements.length;
  await scratch.clock.advance(millis(SETTLE_WITHIN - 1));
  expect(watched.statements.slice(from)).toEqual([]);
  await scratch.clock.advance(millis(1));
  await until(() => durableWrites(from).length === 1, "the settlement is written");
});

it("settles a large backlog in bounded steps and gives the space back", async () => {
  const outbox = await open();
  for (let batch = 0; batch < 12; batch += 1) {
    await outbox.append(Array.from({ length: 1000 }, (_, i) => sampleReading(batch * 1000 + i)));
  }
  await outbox[Symbol.asyncDispose]();
  const full = (await stat(scratch.file("outbox.db"))).size;
  const again = await open();
  const from = watched.statements.length;
  expect(await again.settle(receipt(12_000))).toMatchObject({ settled: 12_000 });
  await again.append([sampleReading(99_999)]);
  await again[Symbol.asyncDispose]();
  expect(durableWrites(from).length).toBeGreaterThanOrEqual(12);
  expect((await stat(scratch.file("outbox.db"))).size).toBeLessThan(full / 2);
}, 60_000);

it("lets an append that comes amid a large settlement wait for the slice under way, and for no other", async () => {
  const outbox = await open();
  for (let batch = 0; batch < 3; batch += 1) {
    await outbox.append(Array.from({ length: 1000 }, (_, i) => sampleReading(batch * 1000 + i)));
  }
  const from = watched.statements.length;
  const goOn = watched.holdUp(/^DELETE FROM reading/);
  await outbox.settle(receipt(3000));
  await until(() => watched.statements.slice(from).some((line) => line.includes("DELETE")), "rows are being deleted");
  const append = outbox.append([sampleReading(99_999)]).then(() => durableWrites(from).length);
  goOn();
  expect(await append).toBe(2);
  await outbox[Symbol.asyncDispose]();
  expect(durableWrites(from).length).toBeGreaterThanOrEqual(3000 / SETTLE_AT_ONCE);
});

it("writes settlements of a flood now and then, and not with each append", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(0)]);
  await outbox.settle(receipt(1));
  await outbox.append([sampleReading(1)]);
  const from = watched.statements.length;
  for (let n = 2; n < 50; n += 1) {
    await outbox.settle(receipt(n));
    await outbox.append([sampleReading(n)]);
  }
  expect(watched.statements.slice(from).filter((line) => line.includes("DELETE"))).toEqual([]);
  await scratch.clock.advance(RIDE_EVERY);
  await outbox.append([sampleReading(50)]);
  expect(watched.statements.slice(from).filter((line) => line.includes("DELETE"))).toHaveLength(1);
});

it("keeps the journal bounded however much is appended and settled", async () => {
  const outbox = await open();
  let largest = 0;
  for (let round = 1; round <= 20; round += 1) {
    await outbox.append(Array.from({ length: 500 }, (_, i) => sampleReading(round * 1000 + i)));
    await outbox.settle(receipt(round * 500));
    largest = Math.max(largest, (await stat(scratch.file("outbox.db-wal"))).size);
  }
  expect(largest).toBeLessThan(8 * 1024 * 1024);
}, 60_000);

it("writes ahead and synchronises at every commit, and refuses to open otherwise", async () => {
  const outbox = await open();
  const settings = watched.statements.filter((line) => line.includes("PRAGMA"));
  expect(settings).toEqual(expect.arrayContaining(["1 PRAGMA journal_mode = WAL", "1 PRAGMA synchronous = FULL"]));
  await outbox[Symbol.asyncDispose]();
  // Bytes 18 and 19 of the header say that the file is written through a write-ahead log.
  expect([...(await readFile(scratch.file("outbox.db"))).subarray(16, 20)]).toEqual([4, 0, 2, 2]);
  for (const [name, wrong] of [
    ["synchronous", 1],
    ["journal_mode", "delete"],
  ] as const) {
    const lying = scratch.open({
      openDatabase: async (path) => {
        const inner = await watched.open(path);
        const query: typeof inner.query = (sql) =>
          sql === `PRAGMA ${name}` ? Promise.resolve([{ [name]: wrong }]) : inner.query(sql);
        return { ...inner, query };
      },
    });
    await expect(lying).rejects.toMatchObject({ code: "outbox-poisoned", message: expect.stringContaining(name) });
  }
});

it("forgets readings only when they are older than what it promises to remember", async () => {
  const outbox = await scratch.open({ remember: 2000 });
  for (let batch = 0; batch < 8; batch += 1) {
    await outbox.append(Array.from({ length: 500 }, (_, i) => sampleReading(batch * 500 + i)));
    await outbox.settle(receipt((batch + 1) * 500));
  }
  await outbox[Symbol.asyncDispose]();
  const database = await openDatabase(scratch.file("outbox.db"));
  const [digests] = await database.query("SELECT count(*) AS count FROM settled");
  await database[Symbol.asyncDispose]();
  expect(digests?.count).toBeGreaterThanOrEqual(2000);
  expect(digests?.count).toBeLessThan(2000 + 1500);
  const again = await scratch.open({ remember: 2000 });
  expect(await again.append([sampleReading(2000)])).toEqual([{ tag: "duplicate", seq: 2001 }]);
  expect(await again.append([sampleReading(0)])).toEqual([{ tag: "stored", seq: 4001 }]);
});

it("reserves counters in blocks, and never gives one twice", async () => {
  const outbox = await open();
  await outbox.nextCounter();
  const from = watched.statements.length;
  for (let i = 0; i < 900; i += 1) await outbox.nextCounter();
  expect(durableWrites(from)).toEqual([]);
});

it("tells at once why a reading was refused", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  await outbox.settle(receipt(1, [[1, "unknown assignment"]]));
  await until(async () => (await outbox.refused(1))[0]?.reason === "unknown assignment", "the reason is there");
});

it("shows what the region refused, with its reason", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1), sampleReading(2), sampleReading(3)]);
  await outbox.settle(receipt(3, [[1, "unknown assignment"]]));
  await outbox[Symbol.asyncDispose]();
  const again = await open();
  await again.append([sampleReading(4)]);
  const reading = { ...sampleReading(1), seq: 1 };
  expect(await again.refused(10)).toEqual([{ reading, reason: "unknown assignment" }]);
});

it("refuses with a sentence when thousands of calls wait for the disk, and stores those that wait", async () => {
  const outbox = await open();
  const goOn = watched.holdUp(/^INSERT INTO reading/);
  const first = outbox.append([sampleReading(0)]);
  await until(() => watched.statements.at(-1)?.includes("INSERT"), "the first insert is under way");
  const queued = Array.from({ length: 4096 }, (_, i) => outbox.append([sampleReading(i % 10)]));
  await expect(outbox.append([sampleReading(1)])).rejects.toMatchObject({
    code: "outbox-poisoned",
    message: expect.stringContaining("4096 calls wait for the disk"),
  });
  expect(outbox.depth().waiting).toBe(0);
  goOn();
  await Promise.all([first, ...queued]);
  expect(outbox.depth().waiting).toBe(10);
});

it("keeps the newest 1000 captures that nobody could read", async () => {
  const outbox = await open();
  const keep = (n: number) =>
    outbox.keepUnreadable({ sensor: "cuff", channel: "2a35", reason: "short", rawHex: `${n}`, receivedUtc: null });
  await Promise.all(Array.from({ length: 1010 }, (_, i) => keep(i)));
  await outbox[Symbol.asyncDispose]();
  const kept = await (await open()).unreadable(5000);
  expect(kept).toHaveLength(1000);
  expect(kept[0]).toEqual({ sensor: "cuff", channel: "2a35", reason: "short", rawHex: "1009", receivedUtc: null });
  expect(kept.at(-1)?.rawHex).toBe("10");
});
