import { HubError } from "../../protocol/errors.ts";
import { type Database, integerOf, type SqlValue } from "./sqlite.ts";

/** Row states of `reading`: the low two bits of its column `state`. */
export const WAITING = 0;
export const REFUSED = 1;
/** The payload could not be read back. Kept for a technician, and tried again when the outbox is opened. */
export const UNREADABLE = 2;

const STATE_BITS = 2;

/** The other bits are the number of the lot (lots.ts): a column of its own would lie behind the payload's pages. */
export const markOf = (state: number, lot: number): number => lot * 2 ** STATE_BITS + state;
export const stateOf = (mark: number): number => mark % 2 ** STATE_BITS;
export const lotOf = (mark: number): number => Math.floor(mark / 2 ** STATE_BITS);
/** SQL for the column's value with another state and the same lot; `state` is an SQL expression. */
export const sqlWithState = (state: string): string => `(state >> ${STATE_BITS} << ${STATE_BITS}) + ${state}`;

/** One step from the version before. Additive: what an older release reads must stay, with defaults for what is new. */
export interface Migration {
  readonly version: number;
  /** The oldest release's version that can go on using a file of this version. */
  readonly readableBy: number;
  readonly statements: readonly string[];
}

/**
 * reading: what the region has not accounted for. `idem` is a digest (see digest-index.ts), `reason` the region's,
 * `crc` of number, digest and payload (see payload.ts).
 * settled: digests of what the region has, so that a record read again from a sensor is still a duplicate.
 * lot: sensor and day that readings are counted by, sealed; rows have its number.
 * unreadable: from version 2 on all of a capture is in `sealed`, and the other columns are empty.
 * meta: `newest` is a floor of the numbers given, `counter` a ceiling of the counters handed out, `key-check` tells the
 * key that rows are sealed with (see seal.ts), `series` the series of numbers, `proof` says nothing (proveWrites).
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    readableBy: 1,
    statements: [
      `CREATE TABLE reading (seq INTEGER PRIMARY KEY, state INTEGER NOT NULL DEFAULT 0, format INTEGER NOT NULL,
        idem BLOB NOT NULL, crc INTEGER, reason TEXT, payload BLOB NOT NULL) STRICT`,
      "CREATE TABLE settled (seq INTEGER PRIMARY KEY, idem BLOB NOT NULL) STRICT",
      `CREATE TABLE unreadable (id INTEGER PRIMARY KEY, sensor TEXT NOT NULL, channel TEXT NOT NULL,
        reason TEXT NOT NULL, raw_hex TEXT NOT NULL, received_utc TEXT) STRICT`,
      "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    ],
  },
  {
    version: 2,
    // A release of version 1 would take sealed rows for unreadable ones.
    readableBy: 2,
    statements: [
      "ALTER TABLE unreadable ADD COLUMN sealed BLOB",
      "ALTER TABLE settled ADD COLUMN lot INTEGER NOT NULL DEFAULT 0",
      "CREATE TABLE lot (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
    ],
  },
];

export type MetaName = "newest" | "counter" | "readable-by" | "key-check" | "series" | "proof";

export const SET_META = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?2";

export const setMeta = (name: MetaName, value: number): { sql: string; parameters: readonly SqlValue[] } => ({
  sql: SET_META,
  parameters: [name, value],
});

/** A number of the meta table; 0 where it was never set. */
export const metaOf = async (database: Database, name: MetaName): Promise<number> => {
  const [row] = await database.all("SELECT value FROM meta WHERE name = ?", [name]);
  return row === undefined ? 0 : integerOf(row, "value");
};

const versionOf = async (database: Database): Promise<number> => {
  const [row] = await database.query("PRAGMA user_version");
  return row === undefined ? 0 : integerOf(row, "user_version");
};

/**
 * Refuse a file that a newer release wrote and did not mark as readable by this one, before anything is changed.
 * Throws HubError `invalid-config`.
 */
export const refuseNewer = async (database: Database, steps: readonly Migration[] = migrations): Promise<void> => {
  const ours = steps.at(-1)?.version ?? 0;
  const found = await versionOf(database);
  if (found <= ours) return;
  const readableBy = await metaOf(database, "readable-by");
  if (readableBy > 0 && readableBy <= ours) return;
  throw new HubError(
    "invalid-config",
    `outbox open: the file is of version ${found} and this release reads up to ${ours}; nothing was changed. Install ` +
      "the newer release again, let it send the backlog, then go back",
    { context: { found, ours } },
  );
};

/** Bring the file to the newest version, all steps in one transaction: a power cut leaves the old version or the new. */
export const migrate = async (database: Database, steps: readonly Migration[] = migrations): Promise<void> => {
  const found = await versionOf(database);
  const due = steps.filter((step) => step.version > found);
  const newest = due.at(-1);
  if (newest === undefined) return;
  await database.query("BEGIN IMMEDIATE");
  try {
    for (const sql of due.flatMap((step) => step.statements)) await database.query(sql);
    await database.run(SET_META, ["readable-by", newest.readableBy]);
    await database.query(`PRAGMA user_version = ${newest.version}`);
    await database.query("COMMIT");
  } catch (thrown) {
    // Some failures (full disk) have rolled back already, and then there is nothing to roll back: the first error says it.
    await database.query("ROLLBACK").catch(() => undefined);
    throw thrown;
  }
};
