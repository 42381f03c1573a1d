import { HubError } from "../../protocol/errors.ts";
import { createDigestIndex, DIGEST_BYTES, type DigestIndex } from "./digest-index.ts";
import type { Ledger } from "./receipt.ts";
import { lotOf, metaOf, REFUSED, stateOf, UNREADABLE, WAITING } from "./schema.ts";
import { createSeqRanges } from "./seq-ranges.ts";
import { type Database, integerOf, textOf } from "./sqlite.ts";

/** Rows read at a time: 100 kB of text, taken apart in about 2 ms. */
const ROWS_AT_A_TIME = 2000;

/** Number, mark (schema.ts) and digest of a row in hex: 8, 6 and 16 bytes. */
const MARK_AT = 8;
const MARK_BYTES = 6;
const DIGEST_AT = MARK_AT + MARK_BYTES;
const RECORD_BYTES = DIGEST_AT + DIGEST_BYTES;
const PACKED = "printf('%016x%012x', seq, state) || hex(idem)";

/**
 * Calls `visit` for every row of `table` with a number above `after`, ascending. The rows come packed into one text a
 * block: as objects of the driver, 200 000 of them take ten times as long, on the event loop.
 */
const eachRow = async (
  database: Database,
  table: string,
  after: number,
  visit: (seq: number, mark: number, idem: Uint8Array) => void,
): Promise<void> => {
  const sql =
    `SELECT count(*) AS rows, max(seq) AS last, group_concat(${PACKED}, '') AS packed ` +
    `FROM (SELECT * FROM (${table}) WHERE seq > ? ORDER BY seq LIMIT ${ROWS_AT_A_TIME})`;
  for (let last = after; ; ) {
    const [block] = await database.all(sql, [last]);
    const rows = block === undefined ? 0 : integerOf(block, "rows");
    if (block === undefined || rows === 0) return;
    const records = Buffer.from(textOf(block, "packed") ?? "", "hex");
    if (records.length !== rows * RECORD_BYTES) throw new HubError("outbox-corrupt", "a digest has the wrong length");
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const digest = records.subarray(at + DIGEST_AT, at + RECORD_BYTES);
      visit(Number(records.readBigUInt64BE(at)), records.readUIntBE(at + MARK_AT, MARK_BYTES), digest);
    }
    last = integerOf(block, "last");
    if (rows < ROWS_AT_A_TIME) return;
  }
};

/** What is kept in memory of the rows; memory grows with `remember`, and with gaps in the backlog, not with its size. */
export const loadLedger = async (
  database: Database,
  remember: number,
): Promise<{ ledger: Ledger; digests: DigestIndex }> => {
  const ledger: Ledger = {
    waiting: createSeqRanges(),
    refused: createSeqRanges(),
    unreadable: createSeqRanges(),
    newest: 0,
  };
  const digests = createDigestIndex(remember);
  const [highest] = await database.all(
    "SELECT max(coalesce((SELECT max(seq) FROM reading), 0), coalesce((SELECT max(seq) FROM settled), 0)) AS seq",
  );
  const seen = highest === undefined ? 0 : integerOf(highest, "seq");
  ledger.newest = Math.max(seen, await metaOf(database, "newest"));
  const forgotten = Math.max(0, ledger.newest - remember);
  const settled = `SELECT seq, lot AS state, idem FROM settled`;
  await eachRow(database, settled, forgotten, (seq, lot, idem) => digests.add(seq, idem, lot));
  await eachRow(database, "SELECT seq, state, idem FROM reading", 0, (seq, mark, idem) => {
    const state = stateOf(mark);
    // What could not be read back is tried again by each start: it may have been the fault of a release on trial.
    if (state === WAITING || state === UNREADABLE) ledger.waiting.add(seq, seq);
    if (state === REFUSED) ledger.refused.add(seq, seq);
    if (seq > forgotten) digests.add(seq, idem, lotOf(mark));
  });
  return { ledger, digests };
};
