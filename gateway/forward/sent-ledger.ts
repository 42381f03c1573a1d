import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import { type Millis, millis } from "../../protocol/time.ts";

/** One message with readings that was sent on this link and is not settled yet. */
export interface SentBatch {
  /** Rises with each batch: the order in which they were sent. */
  readonly order: number;
  /** What the region has not accounted for, ascending. */
  readonly seqs: readonly Seq[];
  readonly bytes: number;
  readonly sentAt: Millis;
  /** When the broker took it; null while it is in flight. */
  readonly ackedAt: Millis | null;
  /** The region has named it as missing. */
  readonly asked: boolean;
}

/** How long a batch may wait for its receipt. */
export interface Patience {
  readonly unasked: Millis;
  /** Where the region has said that it misses it; it may still be on its way there. */
  readonly asked: Millis;
}

/** What was sent on this link and is not settled. Bounded by what its user sends. */
export interface SentLedger {
  /** Readings. */
  readonly size: number;
  /** Messages without a PUBACK, oldest first. */
  readonly inFlight: readonly SentBatch[];
  has(seq: Seq): boolean;
  add(seqs: readonly Seq[], bytes: number, at: Millis): SentBatch;
  acknowledge(order: number, at: Millis): void;
  /** Its readings are to be sent again, or are settled. */
  forget(order: number): readonly Seq[];
  /** Take out what the receipt accounts for. Returns batches that got lost between broker and region. */
  apply(receipt: Receipt, at: Millis): readonly SentBatch[];
  overdue(patience: Patience, at: Millis): readonly SentBatch[];
  /** When the next batch is overdue; null where none waits for a receipt. */
  nextDue(patience: Patience): Millis | null;
  /** Forget all; returns the lowest number that was in it, null where it was empty. */
  clear(): Seq | null;
}

const within = (seq: number, ranges: Receipt["missing"]): boolean =>
  ranges.some(([from, to]) => from <= seq && seq <= to);

/** True where the receipt accounts for the number, by having it or by refusing it. */
export const isCovered = (receipt: Receipt, refused: ReadonlySet<number>, seq: Seq): boolean =>
  refused.has(seq) || (seq <= receipt.through && !within(seq, receipt.missing));

/** The highest number that a receipt speaks of. */
export const highestNamed = ({ through, refused, missing }: Receipt): number => {
  let highest: number = through;
  for (const { seq } of refused) highest = Math.max(highest, seq);
  for (const [, to] of missing) highest = Math.max(highest, to);
  return highest;
};

export const createSentLedger = (): SentLedger => {
  const batches = new Map<number, SentBatch>();
  const owner = new Map<Seq, number>();
  let lastOrder = 0;
  /** Settling goes on: what was sent later is not late while the region works through what came before. */
  let lastProgress = 0;

  const dueAt = (batch: SentBatch, patience: Patience): number =>
    batch.ackedAt === null
      ? Number.POSITIVE_INFINITY
      : Math.max(batch.ackedAt, lastProgress) + (batch.asked ? patience.asked : patience.unasked);

  const forget = (order: number): readonly Seq[] => {
    const seqs = batches.get(order)?.seqs ?? [];
    batches.delete(order);
    for (const seq of seqs) owner.delete(seq);
    return seqs;
  };

  /** What is left of a batch after a receipt. True where something was settled. */
  const settle = (batch: SentBatch, receipt: Receipt, refused: ReadonlySet<number>): boolean => {
    const left = batch.seqs.filter((seq) => !isCovered(receipt, refused, seq));
    const asked = batch.asked || left.some((seq) => within(seq, receipt.missing));
    if (left.length === 0) {
      forget(batch.order);
      return true;
    }
    if (left.length === batch.seqs.length && asked === batch.asked) return false;
    const kept = new Set(left);
    for (const seq of batch.seqs) if (!kept.has(seq)) owner.delete(seq);
    batches.set(batch.order, { ...batch, seqs: left, asked });
    return left.length < batch.seqs.length;
  };

  return {
    get size() {
      return owner.size;
    },
    get inFlight() {
      return [...batches.values()].filter(({ ackedAt }) => ackedAt === null);
    },
    has: (seq) => owner.has(seq),
    add: (seqs, bytes, at) => {
      lastOrder += 1;
      const batch: SentBatch = { order: lastOrder, seqs, bytes, sentAt: at, ackedAt: null, asked: false };
      batches.set(lastOrder, batch);
      for (const seq of seqs) owner.set(seq, lastOrder);
      return batch;
    },
    acknowledge: (order, at) => {
      const batch = batches.get(order);
      if (batch !== undefined) batches.set(order, { ...batch, ackedAt: at });
    },
    forget,
    apply: (receipt, at) => {
      const refused = new Set<number>(receipt.refused.map(({ seq }) => seq));
      let latestSettled = 0;
      const reach = highestNamed(receipt);
      for (const batch of [...batches.values()]) {
        if ((batch.seqs[0] ?? 0) > reach) continue;
        if (settle(batch, receipt, refused)) latestSettled = Math.max(latestSettled, batch.order);
      }
      if (latestSettled > 0) lastProgress = at;
      // Broker and region keep the order: where a later batch has arrived, an earlier one that is missing is lost. One
      // that is merely named may be on its way, because the region speaks of what it had when it spoke.
      return [...batches.values()].filter(
        ({ asked, ackedAt, order }) => asked && ackedAt !== null && order < latestSettled,
      );
    },
    overdue: (patience, at) => [...batches.values()].filter((batch) => dueAt(batch, patience) <= at),
    nextDue: (patience) => {
      let next = Number.POSITIVE_INFINITY;
      for (const batch of batches.values()) next = Math.min(next, dueAt(batch, patience));
      return Number.isFinite(next) ? millis(next) : null;
    },
    clear: () => {
      let lowest: Seq | null = null;
      for (const seq of owner.keys()) if (lowest === null || seq < lowest) lowest = seq;
      batches.clear();
      owner.clear();
      return lowest;
    },
  };
};
