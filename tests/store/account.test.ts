import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { sensorId } from "../../protocol/ids.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

let scratch: ScratchOutbox;
beforeEach(async () => {
  scratch = await createScratchOutbox();
});
afterEach(() => scratch[Symbol.asyncDispose]());

const [cuff, scale] = [sensorId("cuff"), sensorId("scale")];

const on = (day: string | null, n: number): DraftReading => {
  const draft = sampleReading(n);
  const utc = day === null ? null : `${day}T08:00:00.000Z`;
  return { ...draft, time: { ...draft.time, received: { ...draft.time.received, utc } } };
};

const line = (sensor: string | null, day: string | null, counts: Record<string, number>) => ({
  sensor,
  day,
  stored: Object.values(counts).reduce((sum, count) => sum + count, 0),
  receipted: 0,
  waiting: 0,
  refused: 0,
  unreadable: 0,
  ...counts,
});

it("says what became of each sensor's readings of each day, also after a restart", async () => {
  const outbox = await scratch.open();
  expect(outbox.account()).toEqual({ lines: [], numbers: null, skipped: 0 });
  await outbox.append([on("2026-11-20", 1), on("2026-11-20", 2), on("2026-11-21", 3)], cuff);
  await outbox.append([on("2026-11-21", 4), on("2026-11-21", 4)], scale);
  await outbox.append([on(null, 5)], cuff);
  await outbox.append([on("2026-11-21", 6)]);
  await outbox.settle(receipt(3, [[2, "no"]]));
  const expected = {
    lines: [
      line(null, "2026-11-21", { waiting: 1 }),
      line("cuff", "2026-11-21", { receipted: 1 }),
      line("scale", "2026-11-21", { waiting: 1 }),
      line("cuff", "2026-11-20", { receipted: 1, refused: 1 }),
      line("cuff", null, { waiting: 1 }),
    ],
    numbers: { from: 1, to: 6 },
    skipped: 0,
  };
  expect(outbox.account()).toEqual(expected);
  await outbox[Symbol.asyncDispose]();
  const again = await scratch.open();
  expect(again.account()).toEqual(expected);
  await again.settle(receipt(6, [], [[2, 2]]));
  expect(again.account().lines[3]).toEqual(line("cuff", "2026-11-20", { receipted: 1, waiting: 1 }));
});

it("counts numbers that were skipped after damage, and keeps the rest of the account through a salvage", async () => {
  const outbox = await scratch.open();
  for (let n = 1; n <= 60; n += 1) await outbox.append([on("2026-11-20", n)], n % 2 === 0 ? cuff : scale);
  await outbox.settle(receipt(20));
  await outbox[Symbol.asyncDispose]();
  const bytes = await readFile(scratch.file("outbox.db"));
  bytes.fill(0, 0, 100);
  await writeFile(scratch.file("outbox.db"), bytes);
  const again = await scratch.open();
  expect(again.recovered).not.toBeNull();
  const { lines, skipped } = again.account();
  expect(lines).toEqual([
    line("cuff", "2026-11-20", { receipted: 10, waiting: 20 }),
    line("scale", "2026-11-20", { receipted: 10, waiting: 20 }),
  ]);
  expect(skipped).toBe((again.depth().newest ?? 0) - 60);
});

it("counts what was damaged on the disk as such", async () => {
  const outbox = await scratch.open();
  await outbox.append([on("2026-11-20", 1), on("2026-11-20", 2)], cuff);
  await outbox[Symbol.asyncDispose]();
  const database = await openDatabase(scratch.file("outbox.db"));
  await database.query("UPDATE reading SET crc = crc + 1 WHERE seq = 1");
  await database[Symbol.asyncDispose]();
  const again = await scratch.open();
  await again.next(0, 9);
  const expected = [line("cuff", "2026-11-20", { waiting: 1, unreadable: 1 })];
  expect(again.account().lines).toEqual(expected);
  await again[Symbol.asyncDispose]();
  const anew = await scratch.open();
  await anew.next(0, 9);
  expect(anew.account().lines).toEqual(expected);
});

it("gives back what one start could not read, once another can: a release on trial may have been at fault", async () => {
  const outbox = await scratch.open();
  await outbox.append([on("2026-11-20", 1), on("2026-11-20", 2)], cuff);
  await outbox[Symbol.asyncDispose]();
  const shift = async (by: number): Promise<void> => {
    const database = await openDatabase(scratch.file("outbox.db"));
    await database.query(`UPDATE reading SET crc = crc + ${by} WHERE seq = 1`);
    await database[Symbol.asyncDispose]();
  };
  await shift(1);
  const blind = await scratch.open();
  expect(await blind.next(0, 9)).toHaveLength(1);
  await blind[Symbol.asyncDispose]();
  await shift(-1);
  const seeing = await scratch.open();
  expect(await seeing.next(0, 9)).toHaveLength(2);
  await seeing.settle(receipt(2));
  expect(seeing.depth()).toMatchObject({ waiting: 0 });
});
