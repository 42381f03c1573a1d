import { copyFile, open, rename } from "node:fs/promises";
import { isHubError } from "../../protocol/errors.ts";
import { closeQuietly, openDatabaseFile } from "./database-file.ts";
import { syncDirectory } from "./durable-file.ts";
import { FLOOR_BLOCK, fileFailure, type NumberFloor } from "./number-floor.ts";
import { type OutboxFiles, removeDrafts, sizeOf } from "./outbox-files.ts";
import { requireSameKeyAsFarAsKnown } from "./outbox-key.ts";
import { PAGE_SIZE } from "./page-size.ts";
import { absentFrom, copyLeaves, copyTables, highestOf, READING, SETTLED, type Tally } from "./salvage-rows.ts";
import { metaOf, setMeta } from "./schema.ts";
import type { Seal } from "./seal.ts";
import { createSeqRanges } from "./seq-ranges.ts";
import type { Database, OpenDatabase } from "./sqlite.ts";
import { transact } from "./transaction.ts";

export interface Salvaged {
  /** Readings saved, waiting or refused. */
  readonly readings: number;
  /** Rows saved whose payload makes no sense; kept, not sent. */
  readonly unreadable: number;
  /** Numbers in the damaged parts: not all of them need have been waiting. Null where nothing could be read. */
  readonly lostAtMost: number | null;
  /** The new database gives numbers above this one. */
  readonly newest: number;
}

/** A reading a minute for 19 years. */
const MOST_CREDIBLE = 10_000_000;

/** The database with the first page of `template`: the same release lays out its tables on the same pages. */
const patchFirstPage = async (files: OutboxFiles, template: Uint8Array): Promise<void> => {
  await copyFile(files.database, files.patched);
  if ((await sizeOf(`${files.database}-wal`)) !== null) {
    await copyFile(`${files.database}-wal`, `${files.patched}-wal`);
  }
  const page = Uint8Array.from(template);
  // Page count 0 makes SQLite take the size of the file (sqlite.org/fileformat2.html 1.3.8).
  page.fill(0, 28, 32);
  const handle = await open(files.patched, "r+");
  try {
    await handle.write(page, 0, page.byteLength, 0);
  } finally {
    await handle.close();
  }
};

const firstPageOf = async (path: string): Promise<Uint8Array> => {
  const page = new Uint8Array(PAGE_SIZE);
  const handle = await open(path, "r");
  try {
    await handle.read(page, 0, PAGE_SIZE, 0);
  } finally {
    await handle.close();
  }
  return page;
};

/** What salvage needs besides the files. */
export interface SalvageContext {
  readonly openDatabase: OpenDatabase;
  readonly seal: Seal;
}

interface Damaged {
  readonly database: Database;
  readonly path: string;
}

/** The damaged file itself where SQL can be spoken to it, else a copy with a whole first page; null where neither can. */
const openDamaged = async (files: OutboxFiles, openDatabase: OpenDatabase): Promise<Damaged | null> => {
  for (const path of [files.database, files.patched]) {
    if (path === files.patched) await patchFirstPage(files, await firstPageOf(files.draft));
    const database = await openDatabase(path);
    try {
      await database.query("PRAGMA locking_mode = EXCLUSIVE");
      await database.query("SELECT seq FROM reading LIMIT 0");
      return { database, path };
    } catch (thrown) {
      await closeQuietly(database);
      if (!isHubError(thrown, "outbox-corrupt") && !isHubError(thrown, "outbox-poisoned")) throw thrown;
    }
  }
  return null;
};

const fill = async (
  files: OutboxFiles,
  target: Database,
  { openDatabase, seal }: SalvageContext,
  floor: NumberFloor | null,
): Promise<Salvaged> => {
  const tally: Tally = { readings: 0, unreadable: 0 };
  const present = ((await sizeOf(files.database)) ?? 0) > 0;
  const source = present ? await openDamaged(files, openDatabase) : null;
  let newest = floor?.seq ?? MOST_CREDIBLE;
  let counter = 0;
  let series = 0;
  let lost = createSeqRanges([[1, newest]]);
  if (source !== null) {
    try {
      await requireSameKeyAsFarAsKnown(source.database, seal);
      // The floor is above every number given; without it, what is seen tells, though it may be damaged itself.
      const seen = Math.max(
        (await highestOf(source.database, READING)) ?? 0,
        (await highestOf(source.database, SETTLED)) ?? 0,
      );
      newest = floor?.seq ?? Math.min(seen, MOST_CREDIBLE);
      counter = await metaOf(source.database, "counter").catch(() => 0);
      series = await metaOf(source.database, "series").catch(() => 0);
      lost = await copyTables(source.database, target, newest, tally, seal);
    } finally {
      await closeQuietly(source.database);
    }
  }
  const wanted = await absentFrom(target, newest);
  if (present && wanted.size > 0) await copyLeaves(source?.path ?? files.database, target, wanted, lost, tally, seal);
  // Without the floor nothing tells how far the damaged end went: one block beyond what was found.
  const above = floor?.seq ?? ((await highestOf(target, READING)) ?? 0) + FLOOR_BLOCK;
  await transact(target, [
    setMeta("newest", above),
    setMeta("key-check", seal.check),
    setMeta("series", series || (floor?.series ?? 0)),
    setMeta("counter", Math.max(counter, floor?.counter ?? counter + FLOOR_BLOCK)),
  ]);
  const nothing = source === null && tally.readings === 0;
  return { ...tally, lostAtMost: nothing ? null : lost.size, newest: above };
};

/**
 * Fill a new database with everything that can be read of the damaged one, and give it the name of a complete one when
 * it is durable; `finishSalvage` then swaps them. Sequence numbers go on above every number that may have been given.
 */
export const salvage = async (
  files: OutboxFiles,
  context: SalvageContext,
  floor: NumberFloor | null,
): Promise<Salvaged> => {
  const { openDatabase } = context;
  await removeDrafts(files);
  try {
    // Closed and opened again, so that its first page is in the file.
    await (await openDatabaseFile(files.draft, openDatabase))[Symbol.asyncDispose]();
    const target = await openDatabaseFile(files.draft, openDatabase);
    let salvaged: Salvaged;
    try {
      salvaged = await fill(files, target, context, floor);
      await target.query("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      await closeQuietly(target);
    }
    await rename(files.draft, files.salvaged);
    await syncDirectory(files.directory);
    await removeDrafts(files);
    return salvaged;
  } catch (thrown) {
    await removeDrafts(files).catch(() => undefined);
    throw isHubError(thrown) ? thrown : fileFailure("outbox: salvage the damaged file", thrown);
  }
};
