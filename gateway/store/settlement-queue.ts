import { DIGEST_BYTES, type DigestIndex } from "./digest-index.ts";
import type { ReceiptEffects } from "./receipt.ts";
import { REFUSED, sqlWithState, UNREADABLE, WAITING } from "./schema.ts";
import { createSeqRanges, type SeqRange } from "./seq-ranges.ts";
import type { SqlStatement } from "./transaction.ts";

interface Mark {
  readonly state: number;
  readonly reason: string | null;
}

/**
 * Changes of rows that are true in memory and not yet on disk. Losing a deletion or a refusal costs a resend, never a
 * reading. Losing a restored row would leave it refused, so its caller waits until it is no longer held here.
 */
export interface SettlementQueue {
  /** Rows to change. */
  readonly size: number;
  holds(seqs: readonly number[]): boolean;
  add(effects: ReceiptEffects): void;
  /** The payload of this row cannot be read back. */
  markUnreadable(seq: number, reason: string): void;
  /** At most `most` rows, lowest numbers first, as statements; they are no longer queued. */
  take(digests: Pick<DigestIndex, "at" | "lotAt">, most: number): SettlementBatch;
  /** The batch did not reach the disk: queue it again, below what came since. */
  putBack(batch: SettlementBatch): void;
  clear(): void;
}

export interface SettlementBatch {
  readonly deleted: number;
  readonly statements: readonly SqlStatement[];
  readonly marks: ReadonlyMap<number, Mark>;
  readonly deletes: readonly SeqRange[];
}

/** As many are written without waiting for a commit to ride with: five commits in a drain of a thousand. */
export const SETTLE_AT_ONCE = 256;

/** One statement for any number of digests: 16 bytes of the first value for each [number, lot] in the second. */
const KEEP_DIGESTS = `INSERT OR REPLACE INTO settled (seq, idem, lot)
  SELECT value ->> 0, substr(?, 1 + ${DIGEST_BYTES} * key, ${DIGEST_BYTES}), value ->> 1 FROM json_each(?)`;
const DELETE_ROWS = "DELETE FROM reading WHERE seq BETWEEN ? AND ?";
const MARK_ROW = `UPDATE reading SET state = ${sqlWithState("?")}, reason = ? WHERE seq = ?`;

const keepDigests = (
  ranges: readonly SeqRange[],
  digests: Pick<DigestIndex, "at" | "lotAt">,
): readonly SqlStatement[] => {
  const seqs: [seq: number, lot: number][] = [];
  const kept: Uint8Array[] = [];
  for (const [from, to] of ranges) {
    for (let seq = from; seq <= to; seq += 1) {
      const digest = digests.at(seq);
      if (digest === null) continue;
      seqs.push([seq, digests.lotAt(seq) ?? 0]);
      kept.push(digest);
    }
  }
  return seqs.length === 0 ? [] : [{ sql: KEEP_DIGESTS, parameters: [Buffer.concat(kept), JSON.stringify(seqs)] }];
};

export const createSettlementQueue = (): SettlementQueue => {
  const deletes = createSeqRanges();
  const marks = new Map<number, Mark>();

  const lowest = (most: number): readonly SeqRange[] => {
    const chosen: SeqRange[] = [];
    let room = most;
    for (const [from, to] of deletes.within(1, Number.MAX_SAFE_INTEGER)) {
      if (room <= 0) break;
      chosen.push([from, Math.min(to, from + room - 1)]);
      room -= to - from + 1;
    }
    return chosen;
  };

  return {
    get size() {
      return deletes.size + marks.size;
    },
    holds: (seqs) => seqs.some((seq) => marks.has(seq)),
    add: (effects) => {
      for (const [from, to] of effects.delete) deletes.add(from, to);
      for (const [seq, reason] of effects.refuse) marks.set(seq, { state: REFUSED, reason });
      for (const seq of effects.restore) marks.set(seq, { state: WAITING, reason: null });
    },
    markUnreadable: (seq, reason) => {
      marks.set(seq, { state: UNREADABLE, reason });
    },
    take: (digests, most) => {
      const chosen = [...marks].slice(0, most);
      for (const [seq] of chosen) marks.delete(seq);
      const ranges = lowest(most - chosen.length);
      const deleted = ranges.reduce((sum, [from, to]) => sum + deletes.remove(from, to), 0);
      return {
        deleted,
        deletes: ranges,
        marks: new Map(chosen),
        // Deletes first: on a full disk the rest goes into the pages that they free.
        statements: [
          ...ranges.map((range) => ({ sql: DELETE_ROWS, parameters: range })),
          ...keepDigests(ranges, digests),
          ...chosen.map(([seq, { state, reason }]) => ({ sql: MARK_ROW, parameters: [state, reason, seq] })),
        ],
      };
    },
    putBack: (batch) => {
      for (const [from, to] of batch.deletes) deletes.add(from, to);
      for (const [seq, mark] of batch.marks) if (!marks.has(seq)) marks.set(seq, mark);
    },
    clear: () => {
      deletes.remove(1, Number.MAX_SAFE_INTEGER);
      marks.clear();
    },
  };
};
