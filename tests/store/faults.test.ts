import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SETTLE_WITHIN } from "../../gateway/store/outbox.ts";
import { seconds } from "../../protocol/time.ts";
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

const errors = (): string[] => scratch.lines.filter(({ level }) => level === "error").map(({ message }) => message);

it("F05: refuses with a sentence while the disk is full, keeps what it has, and takes readings again later", async () => {
  // About 40 readings fit into 80 pages of 1 024 bytes.
  watched.onOpen(async (database) => {
    await database.query("PRAGMA page_size = 1024");
    await database.query("PRAGMA max_page_count = 80");
  });
  const outbox = await open();
  let stored = 0;
  let refused: unknown = null;
  for (let n = 0; n < 1000 && refused === null; n += 1) {
    await outbox.append([sampleReading(n)]).then(
      () => {
        stored += 1;
      },
      (thrown: unknown) => {
        refused = thrown;
      },
    );
  }
  expect(stored).toBeGreaterThan(5);
  expect(refused).toMatchObject({ code: "outbox-disk-full", context: { waiting: stored } });
  expect(String(refused)).toContain(`outbox append: disk full (${stored} readings waiting)`);
  expect(outbox.depth()).toMatchObject({ waiting: stored, newest: stored });
  expect(outbox.trouble).toBeNull();
  expect(await outbox.next(0, 1000)).toHaveLength(stored);

  await outbox.settle(receipt(stored));
  await scratch.clock.advance(SETTLE_WITHIN);
  await until(() => watched.statements.at(-1)?.includes("COMMIT"), "the settlement is written");
  expect(await outbox.append([sampleReading(5000)])).toEqual([{ tag: "stored", seq: stored + 1 }]);
  expect(errors()).toEqual([]);
});

it("F05: counts nothing of a group as taken when the disk is full, not even the part that fitted", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(0)]);
  watched.failOn(/^COMMIT/, "outbox-disk-full");
  const group = [
    outbox.append([sampleReading(1), sampleReading(2), sampleReading(3)]),
    outbox.append([sampleReading(4)]),
    outbox.keepUnreadable({ sensor: "s", channel: "c", reason: "r", rawHex: "00", receivedUtc: null }),
  ];
  for (const call of group) await expect(call).rejects.toMatchObject({ code: "outbox-disk-full" });
  expect(outbox.depth()).toMatchObject({ waiting: 1, newest: 1 });
  expect(await outbox.unreadable(10)).toEqual([]);
  expect(await outbox.append([sampleReading(1)])).toEqual([{ tag: "stored", seq: 2 }]);
});

it("F05: does not lose a settlement that found the disk full", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1), sampleReading(2)]);
  await outbox.settle(receipt(2, [[2, "no"]]));
  watched.failOn(/^(COMMIT|INSERT INTO reading)/, "outbox-disk-full");
  await expect(outbox.append([sampleReading(3)])).rejects.toMatchObject({ code: "outbox-disk-full" });
  expect(outbox.depth()).toMatchObject({ waiting: 0, refused: 1 });
  await outbox[Symbol.asyncDispose]();
  expect((await open()).depth()).toMatchObject({ waiting: 0, refused: 1, newest: 2 });
});

it("F04: after a failed fsync stops acknowledging, opens and checks anew, and only then goes on", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  watched.failOn(/^INSERT INTO reading/, "outbox-poisoned");
  const goOn = watched.holdUp(/^PRAGMA quick_check/);
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  expect(outbox.trouble).toContain("opened again and checked");
  // Nothing is tried on the failed connection: neither appends, nor reads, nor settlements.
  await expect(outbox.append([sampleReading(3)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  await expect(outbox.next(0, 10)).rejects.toMatchObject({ code: "outbox-poisoned" });
  await expect(outbox.settle(receipt(1))).rejects.toMatchObject({ code: "outbox-poisoned" });
  expect(outbox.depth().waiting).toBe(1);
  const failing = watched.statements.findIndex((line) => line.startsWith("2 "));
  goOn();
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(watched.statements.slice(failing).every((line) => line.startsWith("2 "))).toBe(true);
  expect(watched.statements.some((line) => line === "2 PRAGMA quick_check(1)")).toBe(true);
  expect(watched.statements.some((line) => line === "2 PRAGMA wal_checkpoint(TRUNCATE)")).toBe(true);
  expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "stored", seq: 2 }]);
  expect(errors()).toEqual(["outbox stopped accepting: the disk or the database failed"]);
});

it("F04: gives a number to nobody else when a commit reached the disk though it was reported as failed", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  watched.failOn(/^INSERT INTO reading/, "outbox-poisoned", { afterwards: true });
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(await outbox.append([sampleReading(3)])).toEqual([{ tag: "stored", seq: 3 }]);
  expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "duplicate", seq: 2 }]);
});

it("F04: notices that acknowledged readings are gone after the disk failed, and gives their numbers to nobody", async () => {
  const names = ["outbox.db", "outbox.db-wal"];
  const older = new Map<string, Uint8Array>();
  let openings = 0;
  const outbox = await scratch.open({
    openDatabase: async (path) => {
      if (path.endsWith(".db")) openings += 1;
      if (openings === 2) for (const [name, content] of older) await writeFile(scratch.file(name), content);
      return watched.open(path);
    },
  });
  await outbox.append([sampleReading(1)]);
  for (const name of names) older.set(name, await readFile(scratch.file(name)));
  await outbox.append([sampleReading(2), sampleReading(3)]);
  watched.failOn(/^INSERT INTO reading/, "outbox-poisoned");
  await expect(outbox.append([sampleReading(4)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(outbox.recovered?.sentence).toContain("the newest part of the database is gone");
  const [next] = await outbox.append([sampleReading(2)]);
  expect(next?.tag).toBe("stored");
  expect(next?.seq).toBeGreaterThan(3);
});

it("F04: waits longer and longer between attempts while the disk goes on failing, and recovers by itself", async () => {
  const outbox = await open();
  watched.failOn(/^INSERT INTO reading/, "outbox-poisoned");
  watched.failOn(/^PRAGMA journal_mode/, "outbox-poisoned", { times: 3 });
  await expect(outbox.append([sampleReading(1)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  const attempts = (): number => errors().filter((line) => line.includes("cannot be opened again yet")).length;
  for (const [n, wait] of [1, 2, 4].entries()) {
    await until(() => attempts() === n + 1 && scratch.clock.sleeping > 0, `attempt ${n + 1} failed`);
    expect(outbox.trouble).not.toBeNull();
    await scratch.clock.advance(seconds(wait));
  }
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(await outbox.append([sampleReading(1)])).toEqual([{ tag: "stored", seq: 1 }]);
});

it("F04: treats a journal that cannot be copied as a failed disk", async () => {
  const outbox = await open();
  watched.failOn(/^PRAGMA wal_checkpoint\(PASSIVE\)/, "outbox-poisoned");
  const flood = Array.from({ length: 4500 }, (_, i) => sampleReading(i));
  expect(await outbox.append(flood)).toHaveLength(4500);
  await until(() => watched.statements.some((line) => line.startsWith("2 ")), "a second connection is opened");
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(outbox.depth().waiting).toBe(4500);
});

it("F06: says that the disk is read-only, and takes readings again when it no longer is", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  watched.failOn(/^INSERT INTO reading/, "outbox-read-only");
  watched.failOn(/^BEGIN IMMEDIATE/, "outbox-read-only", { times: 2 });
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({ code: "outbox-read-only" });
  await until(() => scratch.clock.sleeping > 0, "the first attempt to open again has failed");
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({
    code: "outbox-read-only",
    message: expect.stringContaining("mounted for writing"),
  });
  await scratch.clock.advance(seconds(1));
  await until(() => errors().length === 3, "the second attempt has failed");
  await scratch.clock.advance(seconds(2));
  await until(() => outbox.trouble === null, "the outbox is open again");
  expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "stored", seq: 2 }]);
});

it("closes in trouble without waiting for the disk to come back", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  watched.failOn(/^INSERT INTO reading/, "outbox-poisoned");
  watched.failOn(/^PRAGMA journal_mode/, "outbox-poisoned", { times: 1000 });
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({ code: "outbox-poisoned" });
  await outbox[Symbol.asyncDispose]();
  await expect(outbox.append([sampleReading(2)])).rejects.toMatchObject({ code: "outbox-closed" });
  const again = await scratch.open();
  expect(again.depth()).toMatchObject({ waiting: 1, newest: 1 });
});

it("sets a row aside that no longer reads as it was written, reports it, and goes on with the rest", async () => {
  const outbox = await open();
  await outbox.append([sampleReading(1), sampleReading(2), sampleReading(3)]);
  await outbox[Symbol.asyncDispose]();
  const database = await watched.open(scratch.file("outbox.db"));
  await database.query("UPDATE reading SET payload = (SELECT payload FROM reading WHERE seq = 3) WHERE seq = 2");
  await database[Symbol.asyncDispose]();
  const again = await open();
  expect((await again.next(0, 10)).map(({ seq }) => seq)).toEqual([1, 3]);
  expect(again.depth()).toMatchObject({ waiting: 2, refused: 0 });
  expect(scratch.lines.find(({ fields }) => fields.seq === 2)).toMatchObject({
    level: "error",
    fields: { reason: "checksum is wrong" },
  });
  await again[Symbol.asyncDispose]();
  // Tried again by each start, and set aside again.
  const third = await open();
  expect((await third.next(0, 10)).map(({ seq }) => seq)).toEqual([1, 3]);
  expect(third.depth().waiting).toBe(2);
  expect(await third.append([sampleReading(2)])).toEqual([{ tag: "duplicate", seq: 2 }]);
});
