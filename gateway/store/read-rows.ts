import type { Seq } from "../../protocol/ids.ts";
import type { ReadingText, UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import { openCapture } from "./capture.ts";
import type { Store } from "./open-store.ts";
import { decodeRow, type MalformedRow, type StoredRow, textOfRow } from "./payload.ts";
import { openReason } from "./refusal-reason.ts";
import type { Seal } from "./seal.ts";
import type { SeqRange } from "./seq-ranges.ts";
import { bytesOf, integerOf, type SqlRow, textOf } from "./sqlite.ts";

/** Called for a row whose payload makes no sense: it is to be set aside, or it would be met again for ever. */
export type Quarantine = (seq: Seq, reason: string) => void;

const COLUMNS = "SELECT seq, format, idem, crc, reason, payload FROM reading WHERE seq BETWEEN ? AND ?";
const ASCENDING = `${COLUMNS} ORDER BY seq LIMIT ?`;
const DESCENDING = `${COLUMNS} ORDER BY seq DESC LIMIT ?`;

type Order = "ascending" | "descending";

const storedRow = (seq: Seq, row: SqlRow): StoredRow => ({
  seq,
  format: integerOf(row, "format"),
  digest: bytesOf(row, "idem"),
  crc: row.crc === null ? null : integerOf(row, "crc"),
  payload: bytesOf(row, "payload"),
});

/** What a row is wanted as. */
interface Wanted<T> {
  make(row: StoredRow, seal: Seal): { readonly tag: "ok"; readonly value: T } | MalformedRow;
  /** What need not be read from the disk; null where it must be. */
  recent(store: Store, seq: number): T | null;
}

const asReading: Wanted<Reading> = {
  make: decodeRow,
  recent: () => null,
};

const asText: Wanted<ReadingText> = {
  make: textOfRow,
  recent: ({ recent }, seq) => recent.get(seq),
};

const takeRecent = <T>(
  store: Store,
  wanted: Wanted<T>,
  order: Order,
  [from, to]: SeqRange,
  limit: number,
): { readonly found: readonly T[]; readonly left: SeqRange } => {
  const found: T[] = [];
  let [low, high] = [from, to];
  while (low <= high && found.length < limit) {
    const seq = order === "ascending" ? low : high;
    const value = wanted.recent(store, seq);
    if (value === null) break;
    if (store.ledger.waiting.has(seq)) found.push(value);
    if (order === "ascending") low += 1;
    else high -= 1;
  }
  return { found, left: [low, high] };
};

/**
 * Rows of the runs in the order, up to `limit`. The ledger says which rows wait: a row may still be there that is
 * settled, or be settled while it is read.
 */
const read = async <T>(
  store: Store,
  wanted: Wanted<T>,
  order: Order,
  runs: readonly SeqRange[],
  limit: number,
  quarantine: Quarantine,
): Promise<readonly T[]> => {
  const values: T[] = [];
  const sql = order === "ascending" ? ASCENDING : DESCENDING;
  for (const run of order === "ascending" ? runs : runs.toReversed()) {
    const { found, left } = takeRecent(store, wanted, order, run, limit - values.length);
    values.push(...found);
    if (values.length >= limit) break;
    if (left[0] > left[1]) continue;
    for (const row of await store.database.all(sql, [...left, limit - values.length])) {
      const seq = integerOf(row, "seq") as Seq;
      if (!store.ledger.waiting.has(seq)) continue;
      const made = wanted.make(storedRow(seq, row), store.seal);
      if (made.tag === "ok") values.push(made.value);
      else quarantine(seq, made.reason);
    }
  }
  return values;
};

const above = ({ ledger }: Store, after: number): readonly SeqRange[] =>
  ledger.waiting.within(after + 1, Number.MAX_SAFE_INTEGER);

const below = ({ ledger }: Store, before: number | null): readonly SeqRange[] =>
  ledger.waiting.within(1, before === null ? Number.MAX_SAFE_INTEGER : before - 1);

type ReadAbove<T> = (store: Store, after: number, limit: number, quarantine: Quarantine) => Promise<readonly T[]>;
type ReadBelow<T> = (
  store: Store,
  before: number | null,
  limit: number,
  quarantine: Quarantine,
) => Promise<readonly T[]>;

export const readNext: ReadAbove<Reading> = (store, after, limit, quarantine) =>
  read(store, asReading, "ascending", above(store, after), limit, quarantine);

export const readNewest: ReadBelow<Reading> = (store, before, limit, quarantine) =>
  read(store, asReading, "descending", below(store, before), limit, quarantine);

export const readNextTexts: ReadAbove<ReadingText> = (store, after, limit, quarantine) =>
  read(store, asText, "ascending", above(store, after), limit, quarantine);

export const readNewestTexts: ReadBelow<ReadingText> = (store, before, limit, quarantine) =>
  read(store, asText, "descending", below(store, before), limit, quarantine);

/** As version 1 kept them. */
const plainCapture = (row: SqlRow): UnreadableCapture => ({
  sensor: textOf(row, "sensor") ?? "",
  channel: textOf(row, "channel") ?? "",
  reason: textOf(row, "reason") ?? "",
  rawHex: textOf(row, "raw_hex") ?? "",
  receivedUtc: textOf(row, "received_utc"),
});

export interface RefusedReading {
  readonly reading: Reading;
  /** The region's. */
  readonly reason: string;
}

export const readRefused = async (store: Store, limit: number): Promise<readonly RefusedReading[]> => {
  const runs = store.ledger.refused.within(1, Number.MAX_SAFE_INTEGER).toReversed();
  const found: RefusedReading[] = [];
  for (const [from, to] of runs) {
    if (found.length >= limit) break;
    for (const row of await store.database.all(DESCENDING, [from, to, limit - found.length])) {
      const seq = integerOf(row, "seq") as Seq;
      const decoded = decodeRow(storedRow(seq, row), store.seal);
      if (decoded.tag !== "ok") continue;
      found.push({ reading: decoded.value, reason: openReason(store.seal, seq, textOf(row, "reason") ?? "") });
    }
  }
  return found;
};

export const readUnreadable = async (
  { database, seal }: Pick<Store, "database" | "seal">,
  limit: number,
): Promise<readonly UnreadableCapture[]> => {
  const rows = await database.all(
    "SELECT sensor, channel, reason, raw_hex, received_utc, sealed FROM unreadable ORDER BY id DESC LIMIT ?",
    [limit],
  );
  return rows.map((row) => (row.sealed === null ? plainCapture(row) : openCapture(bytesOf(row, "sealed"), seal)));
};
