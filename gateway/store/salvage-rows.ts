import { isHubError } from "../../protocol/errors.ts";
import type { Seq } from "../../protocol/ids.ts";
import { MAX_CAPTURES } from "./capture.ts";
import { DIGEST_BYTES } from "./digest-index.ts";
import { scanLeaves } from "./leaf-scan.ts";
import { crcOf, decodeRow } from "./payload.ts";
import { lotOf, markOf, UNREADABLE } from "./schema.ts";
import type { Seal } from "./seal.ts";
import { createSeqRanges, type SeqRange, type SeqRanges } from "./seq-ranges.ts";
import { type Database, integerOf, type SqlRow, type SqlValue } from "./sqlite.ts";
import { type SqlStatement, transact } from "./transaction.ts";

/** Rows read at a time: half a megabyte of payload. */
const SPAN = 256;
/** A damaged root page fails for every number; after this many failures (some seconds) the rest counts as lost. */
const MAX_FAILED_READS = 20_000;
/** Journal of the new file: 16 x 256 rows of 1.5 kB are 6 MB. */
const SPANS_PER_CHECKPOINT = 16;

export interface Table {
  readonly name: string;
  readonly key: string;
  readonly columns: readonly string[];
}

export const READING: Table = {
  name: "reading",
  key: "seq",
  columns: ["seq", "state", "format", "idem", "crc", "reason", "payload"],
};
export const SETTLED: Table = { name: "settled", key: "seq", columns: ["seq", "idem", "lot"] };
const LOT: Table = { name: "lot", key: "id", columns: ["id", "sealed"] };
const UNREADABLE_CAPTURE: Table = {
  name: "unreadable",
  key: "id",
  columns: ["id", "sensor", "channel", "reason", "raw_hex", "received_utc", "sealed"],
};

/** The row as the new file takes it; null where not even its shape is right. */
type Check = (row: SqlRow) => readonly SqlValue[] | null;

const isDigest = (value: SqlValue | undefined): value is Uint8Array =>
  value instanceof Uint8Array && value.byteLength === DIGEST_BYTES;

const insertInto = ({ name, columns }: Table): string =>
  `INSERT OR IGNORE INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;

/** Every readable row of `table` with a key in [from, to], narrowing down on what cannot be read, which is returned. */
const copyRows = async (
  source: Database,
  target: Database,
  table: Table,
  [from, to]: SeqRange,
  check: Check,
): Promise<SeqRanges> => {
  const select = `SELECT ${table.columns.join(", ")} FROM ${table.name} WHERE ${table.key} BETWEEN ? AND ?`;
  const insert = insertInto(table);
  const lost = createSeqRanges();
  let failedReads = 0;

  const copy = async (low: number, high: number): Promise<void> => {
    if (failedReads >= MAX_FAILED_READS) return lost.add(low, high);
    let rows: readonly SqlRow[];
    try {
      rows = await source.all(select, [low, high]);
    } catch (thrown) {
      if (!isHubError(thrown, "outbox-corrupt")) throw thrown;
      failedReads += 1;
      if (low === high) return lost.add(low, high);
      const middle = Math.floor((low + high) / 2);
      await copy(low, middle);
      return copy(middle + 1, high);
    }
    const statements: SqlStatement[] = [];
    for (const row of rows) {
      const parameters = check(row);
      const key = row[table.key];
      if (parameters !== null) statements.push({ sql: insert, parameters });
      else if (typeof key === "number") lost.add(key, key);
    }
    await transact(target, statements);
  };

  let spans = 0;
  for (let low = from; low <= to; low += SPAN) {
    await copy(low, Math.min(to, low + SPAN - 1));
    spans += 1;
    if (spans % SPANS_PER_CHECKPOINT === 0) await target.query("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  return lost;
};

export const highestOf = async (source: Database, table: Table): Promise<number | null> => {
  try {
    const [row] = await source.all(`SELECT max(${table.key}) AS highest FROM ${table.name}`);
    return row === undefined || row.highest === null ? 0 : integerOf(row, "highest");
  } catch (thrown) {
    if (isHubError(thrown, "outbox-corrupt")) return null;
    throw thrown;
  }
};

/** Counts what it lets through. */
export interface Tally {
  readings: number;
  unreadable: number;
}

const checkReading =
  (tally: Tally, seal: Seal): Check =>
  (row) => {
    const { seq, state, format, idem, crc, reason, payload } = row;
    const shaped = typeof seq === "number" && typeof state === "number" && typeof format === "number";
    if (!shaped || !isDigest(idem) || !(payload instanceof Uint8Array)) return null;
    const sum = typeof crc === "number" ? crc : null;
    const readable = decodeRow({ seq: seq as Seq, format, digest: idem, crc: sum, payload }, seal).tag === "ok";
    tally[readable ? "readings" : "unreadable"] += 1;
    const why = readable ? (typeof reason === "string" ? reason : null) : "damaged on the disk";
    return [seq, readable ? state : markOf(UNREADABLE, lotOf(state)), format, idem, sum, why, payload];
  };

const checkSettled: Check = ({ seq, idem, lot }) =>
  typeof seq === "number" && isDigest(idem) ? [seq, idem, typeof lot === "number" ? lot : 0] : null;

const checkLot: Check = ({ id, sealed }) =>
  typeof id === "number" && sealed instanceof Uint8Array ? [id, sealed] : null;

const checkCapture: Check = (row) => {
  const { sensor, channel, reason, raw_hex } = row;
  const isShaped = [sensor, channel, reason, raw_hex].every((text) => typeof text === "string");
  return isShaped ? UNREADABLE_CAPTURE.columns.map((column) => row[column] ?? null) : null;
};

/** By SQL, as far as that goes. Returns the numbers that could not be read. */
export const copyTables = async (
  source: Database,
  target: Database,
  newest: number,
  tally: Tally,
  seal: Seal,
): Promise<SeqRanges> => {
  const lost = await copyRows(source, target, READING, [1, newest], checkReading(tally, seal));
  await copyRows(source, target, SETTLED, [1, newest], checkSettled);
  await copyRows(source, target, LOT, [1, (await highestOf(source, LOT)) ?? 0], checkLot);
  const captures = (await highestOf(source, UNREADABLE_CAPTURE)) ?? 0;
  await copyRows(source, target, UNREADABLE_CAPTURE, [Math.max(1, captures - MAX_CAPTURES), captures], checkCapture);
  return lost;
};

/** Numbers read at a time. */
const NUMBERS = 10_000;

/**
 * Numbers up to `newest` under which the new file has neither a reading nor a settlement. A damaged divider in the tree
 * makes SQL pass over rows without an error, so what is absent says more than what failed.
 */
export const absentFrom = async (target: Database, newest: number): Promise<SeqRanges> => {
  const absent = createSeqRanges();
  const select =
    "SELECT seq FROM reading WHERE seq > ?1 UNION SELECT seq FROM settled WHERE seq > ?1 ORDER BY seq LIMIT ?2";
  let last = 0;
  for (;;) {
    const rows = await target.all(select, [last, NUMBERS]);
    for (const row of rows) {
      const seq = integerOf(row, "seq");
      if (seq > last + 1) absent.add(last + 1, seq - 1);
      last = seq;
    }
    if (rows.length < NUMBERS) break;
  }
  if (newest > last) absent.add(last + 1, newest);
  return absent;
};

/**
 * Readings of the wanted numbers that still lie somewhere in the file, with a checksum that is right. What is found is
 * taken from `wanted` and from `lost`. A deleted row whose settlement is gone comes back, and the region knows its id.
 */
export const copyLeaves = async (
  path: string,
  target: Database,
  wanted: SeqRanges,
  lost: SeqRanges,
  tally: Tally,
  seal: Seal,
): Promise<void> => {
  const check = checkReading(tally, seal);
  for await (const row of scanLeaves(path, READING.columns)) {
    const { seq, idem, crc, format, payload } = row;
    if (typeof seq !== "number" || !wanted.has(seq) || !isDigest(idem) || !(payload instanceof Uint8Array)) continue;
    if (typeof format !== "number" || crc !== crcOf(seq, idem, payload)) continue;
    const parameters = check(row);
    if (parameters === null) continue;
    await transact(target, [{ sql: insertInto(READING), parameters }]);
    wanted.remove(seq, seq);
    lost.remove(seq, seq);
  }
};
