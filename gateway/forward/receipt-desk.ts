import { isHubError, messageOf } from "../../protocol/errors.ts";
import { parseReceipt, type Receipt } from "../../protocol/messages.ts";
import type { Outbox, Settlement } from "../../protocol/ports/outbox.ts";
import { highestNamed } from "./sent-ledger.ts";

/** What became of the receipts that came in. */
export interface ReceiptOutcomes {
  /** Durable in the outbox. */
  readonly applied: (receipt: Receipt, settlement: Settlement) => void;
  /** Not a receipt, or one about another series or numbers that were never given; nothing was done with it. */
  readonly ignored: (why: "malformed" | "unknown" | "other-series", found: string) => void;
  /** The outbox could not take it; the readings are sent again, and the receipt comes again. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * Takes receipts as they come and applies them to the outbox, one after the other. Those that come while one is being
 * applied are put together: a region that answers each of many small batches costs one write, not many.
 */
export interface ReceiptDesk {
  /** Resolves at once, unless so much waits that the link must wait too. Never rejects. */
  take(payload: Uint8Array): Promise<void>;
  /** Resolves when what was taken has been applied. */
  idle(): Promise<void>;
}

/** Ranges and refusals that wait for the disk: about 1 MB. */
const MOST_WAITING = 20_000;

const weight = (receipt: Receipt): number => 1 + receipt.refused.length + receipt.missing.length;

/**
 * The later receipt knows more: its `missing` holds for both, and what it does not name has arrived since. Refusals of
 * both hold. Null where the later one knows less, because the region was restored: then each speaks for itself.
 */
export const joinReceipts = (earlier: Receipt, later: Receipt): Receipt | null => {
  if (later.through < earlier.through) return null;
  const named = new Set<number>(later.refused.map(({ seq }) => seq));
  const asked = (seq: number): boolean => later.missing.some(([from, to]) => from <= seq && seq <= to);
  return {
    series: later.series,
    through: later.through,
    refused: [...later.refused, ...earlier.refused.filter(({ seq }) => !named.has(seq) && !asked(seq))],
    missing: later.missing,
  };
};

export const createReceiptDesk = (outbox: Outbox, outcomes: ReceiptOutcomes): ReceiptDesk => {
  const waiting: Receipt[] = [];
  /** Of all that wait: a region that sends thousands of receipts must not have them counted at each. */
  let waitingWeight = 0;
  let working: Promise<void> | null = null;

  const applyOne = async (receipt: Receipt): Promise<void> => {
    try {
      const settlement = await outbox.settle(receipt);
      if (settlement.unknown) outcomes.ignored("unknown", "numbers that this hub never gave");
      else outcomes.applied(receipt, settlement);
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      outcomes.failed(thrown);
    }
  };

  const take = (): Receipt | undefined => {
    const receipt = waiting.shift();
    if (receipt !== undefined) waitingWeight -= weight(receipt);
    return receipt;
  };

  const work = async (): Promise<void> => {
    try {
      for (let receipt = take(); receipt !== undefined; receipt = take()) await applyOne(receipt);
    } finally {
      working = null;
    }
  };

  const enqueue = (receipt: Receipt): void => {
    const last = waiting.at(-1);
    const joined = last === undefined ? null : joinReceipts(last, receipt);
    if (last !== undefined && joined !== null) {
      waiting.pop();
      waitingWeight -= weight(last);
    }
    waiting.push(joined ?? receipt);
    waitingWeight += weight(joined ?? receipt);
  };

  return {
    take: async (payload) => {
      let receipt: Receipt;
      try {
        receipt = parseReceipt(payload);
      } catch (thrown) {
        return outcomes.ignored("malformed", messageOf(thrown));
      }
      if (receipt.series !== null && receipt.series !== outbox.series) {
        return outcomes.ignored("other-series", "it speaks of numbers before this hub's storage began anew");
      }
      if (highestNamed(receipt) > (outbox.depth().newest ?? 0)) {
        return outcomes.ignored("unknown", "numbers that this hub never gave");
      }
      enqueue(receipt);
      working ??= work();
      if (waitingWeight > MOST_WAITING) await working;
    },
    idle: async () => {
      while (working !== null) await working;
    },
  };
};
