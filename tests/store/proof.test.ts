import { afterEach, beforeEach, expect, it } from "vitest";
import type { OpenDatabase } from "../../gateway/store/sqlite.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";
import { createWatchedDatabase } from "./watched-database.ts";

let scratch: ScratchOutbox;

beforeEach(async () => {
  scratch = await createScratchOutbox();
});
afterEach(() => scratch[Symbol.asyncDispose]());

it("an outbox that can be written and read proves it, and nothing of it is a reading or takes a number", async () => {
  const watched = createWatchedDatabase();
  const outbox = await scratch.open({ openDatabase: watched.open });
  await outbox.append([sampleReading(1)]);
  const account = outbox.account();
  watched.statements.length = 0;
  await outbox.proveWrites();
  await outbox.proveWrites();
  expect(watched.statements.filter((sql) => sql.includes("INSERT INTO meta"))).toHaveLength(2);
  expect(outbox.depth()).toMatchObject({ waiting: 1, newest: 1 });
  expect(outbox.account()).toEqual(account);
  expect(await outbox.append([sampleReading(2)])).toEqual([{ tag: "stored", seq: 2 }]);
  await outbox[Symbol.asyncDispose]();
  expect((await scratch.open()).depth()).toMatchObject({ waiting: 2, newest: 2 });
});

it.each(["outbox-disk-full", "outbox-read-only", "outbox-poisoned"] as const)(
  "an outbox that does not take it says why: %s",
  async (code) => {
    const watched = createWatchedDatabase();
    const outbox = await scratch.open({ openDatabase: watched.open });
    watched.failOn(/INSERT INTO meta/, code);
    await expect(outbox.proveWrites()).rejects.toMatchObject({ code });
  },
);

it("an outbox that gives back something else is not proven", async () => {
  const watched = createWatchedDatabase();
  const forgetful: OpenDatabase = async (path) => {
    const inner = await watched.open(path);
    return {
      ...inner,
      all: async (sql, parameters) => (parameters?.[0] === "proof" ? [{ value: 0 }] : await inner.all(sql, parameters)),
    };
  };
  const outbox = await scratch.open({ openDatabase: forgetful });
  await expect(outbox.proveWrites()).rejects.toMatchObject({ code: "outbox-poisoned" });
});

it("an outbox that is closed proves nothing", async () => {
  const outbox = await scratch.open();
  await outbox[Symbol.asyncDispose]();
  await expect(outbox.proveWrites()).rejects.toMatchObject({ code: "outbox-closed" });
});
