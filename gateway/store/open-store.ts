import { randomInt } from "node:crypto";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { mayBeBadBlocks, replaceBadBlocks } from "./bad-blocks.ts";
import { closeQuietly, openDatabaseFile } from "./database-file.ts";
import type { DigestIndex } from "./digest-index.ts";
import { loadLedger } from "./load-ledger.ts";
import { type Lots, loadLots } from "./lots.ts";
import { FLOOR_BLOCK, type NumberFloor, readFloor } from "./number-floor.ts";
import { createEmpty, finishSalvage, type OutboxFiles, removeDrafts, sizeOf } from "./outbox-files.ts";
import { requireSameKey } from "./outbox-key.ts";
import type { Ledger } from "./receipt.ts";
import { createRecentTexts, type RecentTexts } from "./recent-texts.ts";
import {
  mendJournal,
  type OutboxRecovery,
  type RecoveryContext,
  replaceDamaged,
  replaceMissing,
  skipMissing,
} from "./recovery.ts";
import { metaOf, setMeta } from "./schema.ts";
import type { Seal } from "./seal.ts";
import type { Database, OpenDatabase } from "./sqlite.ts";
import { transact } from "./transaction.ts";
import { leavesConnectionSound } from "./trouble.ts";

/** An open database and what the outbox keeps of it in memory. */
export interface Store {
  readonly database: Database;
  readonly seal: Seal;
  readonly ledger: Ledger;
  readonly digests: DigestIndex;
  readonly lots: Lots;
  readonly recent: RecentTexts;
  /** Counters up to here may have been handed out. */
  readonly counter: number;
  /** Of numbers, see Outbox.series. */
  readonly series: number;
  /** As it is on disk. */
  floor: NumberFloor;
  /** Digests of settled readings are forgotten up to here. */
  prunedTo: number;
  readonly recovery: OutboxRecovery | null;
}

export interface StoreOptions {
  readonly files: OutboxFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openDatabase: OpenDatabase;
  /** For how many numbers a digest is remembered. */
  readonly remember: number;
  readonly seal: Seal;
}

const NO_FLOOR: NumberFloor = { seq: 0, counter: 0, series: 0 };

/**
 * After a crash, so that no torn frames stay in a journal that is written on: mendJournal counts on it. On a full disk
 * the journal has to stay.
 */
const emptyJournal = async (database: Database): Promise<void> => {
  try {
    await database.query("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (thrown) {
    if (!leavesConnectionSound(thrown)) throw thrown;
  }
};

/** 48 bits, as many as JavaScript's numbers and 12 hex digits take: two series of a hub are never alike. */
const SERIES_BELOW = 2 ** 48 - 1;

/** From the database, else from the floor beside it, which outlives it; else these are the first numbers. */
const seriesOf = async (database: Database, floor: NumberFloor | null): Promise<number> => {
  const noted = await metaOf(database, "series");
  if (noted !== 0) return noted;
  const series = floor === null || floor.series === 0 ? randomInt(1, SERIES_BELOW) : floor.series;
  await transact(database, [setMeta("series", series)]);
  return series;
};

type OpeningOptions = StoreOptions & { readonly given: number };

const openReadable = async (options: OpeningOptions): Promise<Store> => {
  const { files, clock, logger, openDatabase, remember, seal } = options;
  await finishSalvage(files, clock.now());
  await removeDrafts(files);
  const floor = await readFloor(files.floor);
  const context: RecoveryContext = { files, clock, logger, openDatabase, floor, seal };
  let recovery: OutboxRecovery | null = null;
  const mended = await mendJournal(context);
  const journal = (await sizeOf(files.journal)) ?? 0;
  const size = await sizeOf(files.database);
  if ((size ?? 0) === 0 && floor !== null && floor.seq + floor.counter > 0)
    recovery = await replaceMissing(context, floor);
  else if (size === null) await createEmpty(files.database);

  const open = async (): Promise<Pick<Store, "database" | "ledger" | "digests" | "lots">> => {
    const database = await openDatabaseFile(files.database, openDatabase);
    try {
      await requireSameKey(database, seal);
      if (journal > 0) await emptyJournal(database);
      const loaded = await loadLedger(database, remember);
      const { lots, surplus } = await loadLots(database, seal, () => loaded.digests.lots());
      await transact(database, surplus);
      return { database, lots, ...loaded };
    } catch (thrown) {
      await closeQuietly(database);
      throw thrown;
    }
  };
  const opened = await open().catch(async (thrown: unknown) => {
    if (!isHubError(thrown, "outbox-corrupt")) throw thrown;
    recovery = await replaceDamaged(context, thrown);
    return open();
  });
  const { database, ledger } = opened;
  try {
    // The floor is at most one block above the numbers given.
    const given = Math.max(ledger.newest, options.given, (floor?.seq ?? 0) - FLOOR_BLOCK);
    if (ledger.newest < given || (mended !== null && recovery === null)) {
      const above = { seq: Math.max(given, floor?.seq ?? 0), counter: floor?.counter ?? 0, series: floor?.series ?? 0 };
      recovery = await skipMissing(database, above, mended ?? undefined);
      ledger.newest = recovery.skippedTo;
    }
    if (recovery !== null) {
      const { sentence, movedTo, skippedTo, readings } = recovery;
      logger.error("outbox recovered from damage", {
        reason: sentence,
        path: movedTo,
        seq: skippedTo,
        count: readings,
      });
    }
    const counter = await metaOf(database, "counter");
    const series = await seriesOf(database, floor);
    const recent = createRecentTexts();
    return { ...opened, recent, seal, counter, series, floor: floor ?? NO_FLOOR, prunedTo: 0, recovery };
  } catch (thrown) {
    await closeQuietly(database);
    throw thrown;
  }
};

/**
 * Open the database of the directory. Where `given`, a number that was certainly given, is not in it, or where it is
 * damaged or gone, it goes on above every number that may have been given, with what could be saved: never empty in
 * silence. Blocks that cannot be read are damage.
 */
export const openStore = async (options: OpeningOptions): Promise<Store> => {
  try {
    return await openReadable(options);
  } catch (thrown) {
    if (!mayBeBadBlocks(thrown)) throw thrown;
    const bytes = await replaceBadBlocks(options.files, options.clock.now());
    if (bytes === 0) throw thrown;
    options.logger.error("outbox has blocks that cannot be read, going on with the rest", {
      bytes,
      path: options.files.directory,
      reason: messageOf(thrown),
    });
    return openReadable(options);
  }
};
