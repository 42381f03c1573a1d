import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabaseFile } from "../../gateway/store/database-file.ts";
import { KEY_CREDENTIAL } from "../../gateway/store/outbox-key.ts";
import { migrations } from "../../gateway/store/schema.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

let scratch: ScratchOutbox;
beforeEach(async () => {
  scratch = await createScratchOutbox();
});
afterEach(() => scratch[Symbol.asyncDispose]());

const planted = "anna-andersson-19121212-1212";
const marked = (n: number): DraftReading => ({ ...sampleReading(n), context: { note: planted } });
const capture = { sensor: planted, channel: "2a35", reason: planted, rawHex: "c0ffee", receivedUtc: null };

const filesWith = async (text: string): Promise<readonly string[]> => {
  const names = await readdir(scratch.directory);
  const contents = await Promise.all(names.map((name) => readFile(scratch.file(name), "latin1")));
  return names.filter((_, i) => contents[i]?.includes(text));
};

it("leaves nothing of a reading or a capture in any file, at any time", async () => {
  const outbox = await scratch.open();
  for (let n = 0; n < 300; n += 1) await outbox.append([marked(n)]);
  await outbox.keepUnreadable(capture);
  const idem = marked(5).idem.slice("sha256:".length);
  const secrets = [planted, "c0ffee", "MDC_", "reading/1", marked(1).assignment, idem];
  const nowhere = async (): Promise<void> => {
    for (const secret of secrets) expect(await filesWith(secret)).toEqual([]);
    expect(await filesWith(Buffer.from(idem, "hex").toString("latin1").slice(0, 8))).toEqual([]);
  };
  await nowhere();
  await outbox.settle({ series: null, through: 250 as never, refused: [], missing: [] });
  await outbox[Symbol.asyncDispose]();
  await nowhere();
  const again = await scratch.open();
  expect(await again.next(0, 3)).toEqual([250, 251, 252].map((n) => ({ ...marked(n), seq: n + 1 })));
  expect(await again.unreadable(5)).toEqual([capture]);
  expect(await again.append([marked(3)])).toEqual([{ tag: "duplicate", seq: 4 }]);
});

it("makes its key once, for its owner alone, and keeps it", async () => {
  await (await scratch.open())[Symbol.asyncDispose]();
  const key = await readFile(scratch.file("outbox.key"), "utf8");
  expect(key).toMatch(/^[0-9a-f]{64}\n$/);
  expect((await stat(scratch.file("outbox.key"))).mode & 0o777).toBe(0o600);
  await (await scratch.open())[Symbol.asyncDispose]();
  expect(await readFile(scratch.file("outbox.key"), "utf8")).toBe(key);
});

it("takes the key that systemd brings, and then writes none", async () => {
  const credentials = join(scratch.directory, "..");
  const credential = join(credentials, KEY_CREDENTIAL);
  await writeFile(credential, "ab".repeat(32));
  const outbox = await scratch.open({ credentials });
  await outbox.append([marked(1)]);
  await outbox[Symbol.asyncDispose]();
  expect(await readdir(scratch.directory)).not.toContain("outbox.key");
  expect(await (await scratch.open({ credentials })).next(0, 9)).toHaveLength(1);
});

it.each([
  ["absent", async (file: string) => rm(file), /there is none .* Put the former key back/],
  ["another", async (file: string) => writeFile(file, "cd".repeat(32)), /not the one/],
  ["cut short", async (file: string) => writeFile(file, "abcd"), /has 4 characters, expected 64 hex digits/],
])("refuses to open where the key is %s, changes nothing, and goes on when it is back", async (_, spoil, sentence) => {
  const outbox = await scratch.open();
  await outbox.append([marked(1), marked(2)]);
  await outbox[Symbol.asyncDispose]();
  const key = await readFile(scratch.file("outbox.key"));
  const before = await readFile(scratch.file("outbox.db"));
  await spoil(scratch.file("outbox.key"));
  await expect(scratch.open()).rejects.toMatchObject({ code: "outbox-key", message: expect.stringMatching(sentence) });
  expect(await readFile(scratch.file("outbox.db"))).toEqual(before);
  await writeFile(scratch.file("outbox.key"), key);
  expect(await (await scratch.open()).next(0, 9)).toHaveLength(2);
});

it("does not salvage a damaged file with another key", async () => {
  const outbox = await scratch.open();
  for (let n = 0; n < 200; n += 1) await outbox.append([marked(n)]);
  await outbox[Symbol.asyncDispose]();
  const bytes = await readFile(scratch.file("outbox.db"));
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 9000);
  await writeFile(scratch.file("outbox.db"), bytes);
  const key = await readFile(scratch.file("outbox.key"));
  await writeFile(scratch.file("outbox.key"), "cd".repeat(32));
  await expect(scratch.open()).rejects.toMatchObject({ code: "outbox-key" });
  await writeFile(scratch.file("outbox.key"), key);
  expect((await scratch.open()).recovered?.readings).toBeGreaterThan(100);
});

it("keeps what a release before sealing stored, and seals from then on", async () => {
  await (await scratch.open())[Symbol.asyncDispose]();
  await rm(scratch.file("outbox.db"));
  await rm(scratch.file("outbox.floor"), { force: true });
  const old = await openDatabaseFile(scratch.file("outbox.db"), openDatabase, migrations.slice(0, 1));
  await old.run(
    "INSERT INTO unreadable (sensor, channel, reason, raw_hex, received_utc) VALUES ('cuff', '2a35', 'crc', 'c0', NULL)",
  );
  await old[Symbol.asyncDispose]();
  const outbox = await scratch.open();
  await outbox.keepUnreadable(capture);
  expect(await outbox.unreadable(5)).toEqual([
    capture,
    { sensor: "cuff", channel: "2a35", reason: "crc", rawHex: "c0", receivedUtc: null },
  ]);
});

it("is not misled by a damaged note of the key while the rows open", async () => {
  const outbox = await scratch.open();
  await outbox.append([marked(1)]);
  await outbox[Symbol.asyncDispose]();
  const database = await openDatabase(scratch.file("outbox.db"));
  await database.query("UPDATE meta SET value = value + 64 WHERE name = 'key-check'");
  await database[Symbol.asyncDispose]();
  const again = await scratch.open();
  expect(again.recovered).toBeNull();
  expect(await again.next(0, 9)).toHaveLength(1);
});
