import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Migration, migrate, migrations } from "../../gateway/store/schema.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";
import { createWatchedDatabase } from "./watched-database.ts";

let scratch: ScratchOutbox;

beforeEach(async () => {
  scratch = await createScratchOutbox();
});

afterEach(() => scratch[Symbol.asyncDispose]());

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

it("lets nobody but its owner read the directory and what is in it", async () => {
  const outbox = await scratch.open();
  await outbox.append([sampleReading(1)]);
  expect(await modeOf(scratch.directory)).toBe("700");
  const names = await readdir(scratch.directory);
  expect(names.toSorted()).toEqual(["outbox.db", "outbox.db-wal", "outbox.floor", "outbox.key", "outbox.lock"]);
  for (const name of names) expect(await modeOf(scratch.file(name)), name).toBe("600");
});

it("leaves no journal behind an orderly close", async () => {
  const outbox = await scratch.open();
  await outbox.append([sampleReading(1)]);
  await outbox[Symbol.asyncDispose]();
  expect((await readdir(scratch.directory)).toSorted()).toEqual([
    "outbox.db",
    "outbox.floor",
    "outbox.key",
    "outbox.lock",
  ]);
});

it("refuses a second outbox on one directory, and opens it when the first is closed", async () => {
  const first = await scratch.open();
  await first.append([sampleReading(1)]);
  await expect(scratch.open()).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringContaining("give this one a directory of its own"),
  });
  // The failed attempt has not taken the lock away from the first.
  await expect(scratch.open()).rejects.toMatchObject({ code: "invalid-config" });
  await first.append([sampleReading(2)]);
  await first[Symbol.asyncDispose]();
  expect((await scratch.open()).depth().waiting).toBe(2);
}, 30_000);

/** The file as a later release leaves it. */
const makeNewer = async (readableBy: number): Promise<void> => {
  const outbox = await scratch.open();
  await outbox.append([sampleReading(1), sampleReading(2)]);
  await outbox[Symbol.asyncDispose]();
  const database = await openDatabase(scratch.file("outbox.db"));
  await database.query("ALTER TABLE reading ADD COLUMN later TEXT NOT NULL DEFAULT 'x'");
  await database.query(`UPDATE meta SET value = ${readableBy} WHERE name = 'readable-by'`);
  await database.query("PRAGMA user_version = 7");
  await database[Symbol.asyncDispose]();
};

it("F11: refuses the file of a newer release with a sentence, and leaves it as it is", async () => {
  await makeNewer(5);
  const before = await readFile(scratch.file("outbox.db"));
  await expect(scratch.open()).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringMatching(/version 7 and this release reads up to 2; nothing was changed/),
  });
  expect(await readFile(scratch.file("outbox.db"))).toEqual(before);
  expect((await readdir(scratch.directory)).filter((name) => name.includes("damaged"))).toEqual([]);
});

it("F11: goes on with the file of a newer release that is marked as readable by this one", async () => {
  await makeNewer(2);
  const outbox = await scratch.open();
  expect(await outbox.append([sampleReading(3)])).toEqual([{ tag: "stored", seq: 3 }]);
  expect(await outbox.settle(receipt(1))).toMatchObject({ settled: 1 });
  expect((await outbox.next(0, 10)).map(({ seq }) => seq)).toEqual([2, 3]);
  await outbox[Symbol.asyncDispose]();
  const database = await openDatabase(scratch.file("outbox.db"));
  expect(await database.query("PRAGMA user_version")).toEqual([{ user_version: 7 }]);
  await database[Symbol.asyncDispose]();
});

const next: Migration = {
  version: 3,
  readableBy: 2,
  statements: ["ALTER TABLE reading ADD COLUMN later INTEGER NOT NULL DEFAULT 0", "CREATE TABLE added (n INTEGER)"],
};

it("F11: migrates in one step that either happened or did not", async () => {
  const outbox = await scratch.open();
  await outbox.append([sampleReading(1)]);
  await outbox[Symbol.asyncDispose]();
  const watched = createWatchedDatabase();
  const database = await watched.open(scratch.file("outbox.db"));
  const version = async () => (await database.query("PRAGMA user_version"))[0]?.user_version;
  for (const failing of [/ADD COLUMN later/, /CREATE TABLE added/, /PRAGMA user_version = 3/, /^COMMIT/]) {
    watched.failOn(failing, "outbox-disk-full");
    await expect(migrate(database, [...migrations, next])).rejects.toMatchObject({ code: "outbox-disk-full" });
    expect(await version()).toBe(2);
    expect(await database.query("SELECT name FROM pragma_table_info('reading') WHERE name = 'later'")).toEqual([]);
  }
  await migrate(database, [...migrations, next]);
  expect(await version()).toBe(3);
  expect(await database.query("SELECT seq, later FROM reading")).toEqual([{ seq: 1, later: 0 }]);
  await migrate(database, [...migrations, next]);
  await database[Symbol.asyncDispose]();
  // The release before goes on with it.
  expect((await scratch.open()).depth().waiting).toBe(1);
});

it("says what is wrong where the directory cannot be made", async () => {
  await mkdir(scratch.directory);
  await writeFile(scratch.file("taken"), "a file");
  await expect(scratch.open({ directory: join(scratch.file("taken"), "outbox") })).rejects.toMatchObject({
    code: "outbox-read-only",
    message: expect.stringContaining("outbox: create"),
  });
});
