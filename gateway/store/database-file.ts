import { HubError } from "../../protocol/errors.ts";
import { PAGE_SIZE } from "./page-size.ts";
import { type Migration, migrate, migrations, refuseNewer } from "./schema.ts";
import { type Database, integerOf, type OpenDatabase } from "./sqlite.ts";

/** The journal is copied into the database at this size, and its file is cut to it: a 512 MB board's card has room. */
export const JOURNAL_LIMIT = 4 * 1024 * 1024;

interface Setting {
  readonly name: string;
  readonly value: string | number;
  /** What reading it back must give: the outbox's promises rest on it. */
  readonly assert?: string | number;
}

/** Of the file, for its life: setting them again would write to it. */
const settingsOfNewFile: readonly Setting[] = [
  { name: "page_size", value: PAGE_SIZE },
  { name: "auto_vacuum", value: "INCREMENTAL" },
];

/** Of each connection. */
const settings: readonly Setting[] = [
  // No second process, and the journal's index in memory: no shared memory file that a full disk could take away.
  { name: "locking_mode", value: "EXCLUSIVE", assert: "exclusive" },
  { name: "journal_mode", value: "WAL", assert: "wal" },
  // fsync at every commit (sqlite.org/pragma.html#pragma_synchronous): 2 is FULL. NORMAL loses acknowledged rows.
  { name: "synchronous", value: "FULL", assert: 2 },
  // A failed checkpoint inside a commit goes unreported; the outbox checkpoints itself and sees the error.
  { name: "wal_autocheckpoint", value: 0, assert: 0 },
  { name: "journal_size_limit", value: JOURNAL_LIMIT, assert: JOURNAL_LIMIT },
  // Nothing of a reading in temporary files.
  { name: "temp_store", value: "MEMORY", assert: 2 },
  { name: "cell_size_check", value: "ON" },
  { name: "trusted_schema", value: "OFF" },
];

const configure = async (database: Database): Promise<void> => {
  const [size] = await database.query("PRAGMA page_count");
  const isNew = size !== undefined && integerOf(size, "page_count") === 0;
  for (const { name, value } of [...(isNew ? settingsOfNewFile : []), ...settings]) {
    await database.query(`PRAGMA ${name} = ${value}`);
  }
  for (const { name, assert } of settings) {
    if (assert === undefined) continue;
    const [row] = await database.query(`PRAGMA ${name}`);
    const found = Object.values(row ?? {})[0];
    if (found !== assert) {
      throw new HubError(
        "outbox-poisoned",
        `outbox open: ${name} is ${String(found)} instead of ${assert}, so a commit would not be durable; nothing is ` +
          "accepted. Check that the file system is a local one",
      );
    }
  }
};

/** A finding is a structure, never a value; a damaged file has many, one is enough. */
const LONGEST_FINDING = 100;

const checkStructure = async (database: Database): Promise<void> => {
  const [row] = await database.query("PRAGMA quick_check(1)");
  const finding = String(row?.quick_check ?? "no answer");
  if (finding === "ok") return;
  throw new HubError("outbox-corrupt", `outbox open: ${finding.slice(0, LONGEST_FINDING).replaceAll(/\s+/g, " ")}`);
};

/**
 * Open, or create, a database that keeps what it says: write-ahead log with fsync at each commit, asserted; structure
 * checked; schema brought up to date; lock held and writable. Throws HubError `outbox-corrupt`, `outbox-read-only`,
 * `outbox-disk-full`, `outbox-poisoned`, or `invalid-config` for a file of a newer release.
 */
export const openDatabaseFile = async (
  path: string,
  openDatabase: OpenDatabase,
  steps: readonly Migration[] = migrations,
): Promise<Database> => {
  const database = await openDatabase(path);
  try {
    await refuseNewer(database, steps);
    await configure(database);
    await checkStructure(database);
    await migrate(database, steps);
    // SQLite opens a file that it may not write without a word, and says so at the first write.
    await database.query("BEGIN IMMEDIATE");
    await database.query("ROLLBACK");
    return database;
  } catch (thrown) {
    await closeQuietly(database);
    throw thrown;
  }
};

/** For a connection that failed already: that error is the one that counts. */
export const closeQuietly = async (database: AsyncDisposable): Promise<void> => {
  try {
    await database[Symbol.asyncDispose]();
  } catch {
    // Closing releases the descriptors in any case.
  }
};
