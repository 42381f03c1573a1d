import type { Seq } from "../../protocol/ids.ts";
import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { Reading } from "../../protocol/reading.ts";
import { openCapture } from "./capture.ts";
import type { Store } from "./open-store.ts";
import { type Decoded, decodeRow } from "./payload.ts";
import type { Seal } from "./seal.ts";
import type { SeqRange } from "./seq-ranges.ts";
import { bytesOf, integerOf, type SqlRow, textOf } from "./sqlite.ts";

/** Called for a row whose payload makes no sense: it is to be set aside, or it would be met again for ever. */
export type Quarantine = (seq: Seq, reason: string) => void;

const COLUMNS = "SELECT seq, format, idem, crc, reason, payload FROM reading WHERE seq BETWEEN ? AND ?";
const ASCENDING = `${COLUMNS} ORDER BY seq LIMIT ?`;
const DESCENDING = `${COLUMNS} ORDER BY seq DESC LIMIT ?`;

const decode = (seq: Seq, row: SqlRow, seal: Seal): Decoded => {
  const format = integerOf(row, "format");
  const digest = bytesOf(row, "idem");
  const crc = row.crc === null ? null : integerOf(row, "crc");
  return decodeRow({ seq, format, digest, crc, payload: bytesOf(row, "payload") }, seal);
};

/**
 * Rows of the runs in their order, up to `limit`. The ledger says which rows wait: a row may still be there that is
 * settled, or be settled while it is read.
 */
const read = async (
  store: Store,
  sql: string,
  runs: readonly SeqRange[],
  limit: number,
  quarantine: Quarantine,
): Promise<readonly Reading[]> => {
  const readings: Reading[] = [];
  for (const [from, to] of runs) {
    if (readings.length >= limit) break;
    for (const row of await store.database.all(sql, [from, to, limit - readings.length])) {
      const seq = integerOf(row, "seq") as Seq;
      if (!store.ledger.waiting.has(seq)) continue;
      const decoded = decode(seq, row, store.seal);
      if (decoded.tag === "ok") readings.push(decoded.reading);
      else quarantine(seq, decoded.reason);
    }
  }
  return readings;
};

export const readNext = (
  store: Store,
  after: number,
  limit: number,
  quarantine: Quarantine,
): Promise<readonly Reading[]> =>
  read(store, ASCENDING, store.ledger.waiting.within(after + 1, Number.MAX_SAFE_INTEGER), limit, quarantine);

export const readNewest = (
  store: Store,
  before: number | null,
  limit: number,
  quarantine: Quarantine,
): Promise<readonly Reading[]> => {
  const highest = before === null ? Number.MAX_SAFE_INTEGER : before - 1;
  return read(store, DESCENDING, store.ledger.waiting.within(1, highest).toReversed(), limit, quarantine);
};

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
      const decoded = decode(integerOf(row, "seq") as Seq, row, store.seal);
      if (decoded.tag === "ok") found.push({ reading: decoded.reading, reason: textOf(row, "reason") ?? "" });
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
