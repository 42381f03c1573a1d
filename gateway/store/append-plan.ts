import type { Seq } from "../../protocol/ids.ts";
import type { Appended } from "../../protocol/ports/outbox.ts";
import type { DigestIndex } from "./digest-index.ts";
import type { Lot, Lots } from "./lots.ts";
import { boundOf, crcOf, SEALED_JSON } from "./payload.ts";
import { markOf, WAITING } from "./schema.ts";
import type { Seal } from "./seal.ts";
import type { SqlValue } from "./sqlite.ts";
import type { SqlStatement } from "./transaction.ts";

/** A reading as it goes into its row. */
export interface Entry {
  readonly digest: Uint8Array;
  /** Not sealed yet: the number is part of the seal, and comes with the commit. */
  readonly payload: Uint8Array;
  readonly lot: Lot;
}

export interface AppendPlan {
  /** What each call is told once the rows are durable, in the order of the calls. */
  readonly results: readonly (readonly Appended[])[];
  /** The rows to insert: consecutive numbers from `first`. */
  readonly first: number;
  readonly rows: readonly Entry[];
}

/** Give numbers to what was not taken before, in the order of the calls; nothing is given away until it is durable. */
export const planAppends = (
  calls: readonly (readonly Entry[])[],
  newest: number,
  digests: Pick<DigestIndex, "find">,
): AppendPlan => {
  const rows: Entry[] = [];
  const inThisGroup = new Map<string, Seq>();
  const results = calls.map((entries) =>
    entries.map((entry): Appended => {
      const key = Buffer.from(entry.digest).toString("latin1");
      const known = digests.find(entry.digest) ?? inThisGroup.get(key);
      if (known !== undefined) return { tag: "duplicate", seq: known };
      rows.push(entry);
      const seq = (newest + rows.length) as Seq;
      inThisGroup.set(key, seq);
      return { tag: "stored", seq };
    }),
  );
  return { results, first: newest + 1, rows };
};

/** Largest statement. Each trip to the worker thread costs 50 to 100 us, as much as inserting ten rows. */
const MOST_ROWS = 64;

/** Rows whose digest is null are not inserted: they fill a group up to the next size. */
const insertOf = (count: number): string => {
  const rows = Array.from(
    { length: count },
    (_, i) => `(?1 + ${i}, ?${4 * i + 2}, ${SEALED_JSON}, ?${4 * i + 3}, ?${4 * i + 4}, ?${4 * i + 5})`,
  );
  return `INSERT INTO reading (seq, state, format, idem, crc, payload) SELECT * FROM (VALUES ${rows.join(", ")})
    WHERE column4 IS NOT NULL`;
};

const NO_ROW: readonly SqlValue[] = [null, null, null, null];

/** 1, 2, 4 ... 64 rows: seven prepared statements make any group, one of 64 or fewer in one trip and one commit. */
const inserts: ReadonlyMap<number, string> = new Map(
  Array.from({ length: Math.log2(MOST_ROWS) + 1 }, (_, power) => [2 ** power, insertOf(2 ** power)]),
);

/** Rows of consecutive numbers from `first`. */
export const insertStatements = (
  first: number,
  rows: readonly Entry[],
  seal: Seal,
  lots: Pick<Lots, "numberOf">,
): readonly SqlStatement[] => {
  const statements: SqlStatement[] = [];
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(MOST_ROWS, 2 ** Math.ceil(Math.log2(rows.length - at)));
    const parameters: SqlValue[] = [first + at];
    for (const [i, { digest, payload, lot }] of rows.slice(at, at + count).entries()) {
      const seq = first + at + i;
      const sealed = seal.seal(payload, boundOf(seq, digest));
      parameters.push(markOf(WAITING, lots.numberOf(lot)), digest, crcOf(seq, digest, sealed), sealed);
    }
    for (let filled = rows.length - at; filled < count; filled += 1) parameters.push(...NO_ROW);
    statements.push({ sql: inserts.get(count) ?? insertOf(count), parameters });
    at += count;
  }
  return statements;
};
