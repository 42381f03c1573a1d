import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";
import type { Settlement } from "../../protocol/ports/outbox.ts";
import { createSeqRanges, type SeqRange, type SeqRanges } from "./seq-ranges.ts";

/** What the outbox knows of its rows without reading them. */
export interface Ledger {
  /** Committed, and not accounted for by the region. */
  readonly waiting: SeqRanges;
  readonly refused: SeqRanges;
  /** Damaged on the disk; neither sent nor settled. */
  readonly unreadable: SeqRanges;
  /** Highest number ever given; 0 for none. */
  newest: number;
}

/** What a receipt asks of the rows. */
export interface ReceiptEffects {
  readonly settlement: Settlement;
  /** To delete; the digest stays. */
  readonly delete: readonly SeqRange[];
  readonly refuse: ReadonlyMap<number, string>;
  /** Refused before, and asked for again: waiting once more. */
  readonly restore: readonly number[];
}

/** Most numbers listed for sending again: what is left out is named by the next receipt. */
export const MAX_RESEND = 10_000;

const highest = (receipt: Receipt): number =>
  Math.max(
    receipt.through,
    receipt.refused.reduce((most, { seq }) => Math.max(most, seq), 0),
    receipt.missing.reduce((most, [, to]) => Math.max(most, to), 0),
  );

const numbersOf = (ranges: readonly SeqRange[], most: number): Seq[] => {
  const numbers: Seq[] = [];
  for (const [from, to] of ranges) {
    for (let seq = from; seq <= to && numbers.length < most; seq += 1) numbers.push(seq as Seq);
  }
  return numbers;
};

/**
 * What a receipt means for the rows in `ledger`, which it does not change. Applying it twice is applying it once. A
 * receipt for another series, or that names a number never given, does not speak of this outbox: nothing is deleted.
 * Refusal wins where one number is both refused and missing.
 */
export const readReceipt = (ledger: Ledger, series: string, receipt: Receipt): ReceiptEffects => {
  const isOurs = receipt.series === null || receipt.series === series;
  if (!isOurs || highest(receipt) > ledger.newest) {
    const settlement: Settlement = { settled: 0, refused: 0, resend: [], unknown: true };
    return { settlement, delete: [], refuse: new Map(), restore: [] };
  }
  const missing = createSeqRanges(receipt.missing);
  const kept = createSeqRanges(receipt.missing);
  const refuse = new Map<number, string>();
  for (const { seq, reason } of receipt.refused) {
    missing.remove(seq, seq);
    kept.add(seq, seq);
    if (ledger.waiting.has(seq)) refuse.set(seq, reason);
  }
  const accounted = createSeqRanges(ledger.waiting.within(1, receipt.through));
  for (const [from, to] of kept.within(1, receipt.through)) accounted.remove(from, to);
  const resend = missing.within(1, ledger.newest);
  return {
    settlement: {
      settled: accounted.size,
      refused: refuse.size,
      resend: numbersOf(resend, MAX_RESEND),
      unknown: false,
    },
    delete: accounted.within(1, receipt.through),
    refuse,
    restore: resend.flatMap(([from, to]) => numbersOf(ledger.refused.within(from, to), Number.POSITIVE_INFINITY)),
  };
};

/** Make `effects` true of the ledger; `depth()` has them from now on. */
export const applyReceipt = (ledger: Ledger, effects: ReceiptEffects): void => {
  for (const [from, to] of effects.delete) ledger.waiting.remove(from, to);
  for (const seq of effects.refuse.keys()) {
    ledger.waiting.remove(seq, seq);
    ledger.refused.add(seq, seq);
  }
  for (const seq of effects.restore) {
    ledger.refused.remove(seq, seq);
    ledger.waiting.add(seq, seq);
  }
};
