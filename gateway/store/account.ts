import type { Store } from "./open-store.ts";

/** What became of the readings of one sensor and day. `stored` is the sum of the other four. */
export interface AccountLine {
  readonly sensor: string | null;
  /** UTC date of reception; null where the hub's clock was not trusted. */
  readonly day: string | null;
  readonly stored: number;
  /** The region has accounted for them; here only their digests are left. */
  readonly receipted: number;
  readonly waiting: number;
  /** The region will not have them; kept here. */
  readonly refused: number;
  /** Damaged on the disk; kept here for support. */
  readonly unreadable: number;
}

/** What the outbox can say of its newest numbers. */
export interface OutboxAccount {
  /** Newest day first, sensors in alphabetical order. */
  readonly lines: readonly AccountLine[];
  /** Numbers that the lines are about; null where none was given yet. */
  readonly numbers: { readonly from: number; readonly to: number } | null;
  /** Numbers in that range under which nothing is known any more: skipped after damage. The region sees them as a gap. */
  readonly skipped: number;
}

type Fate = "receipted" | "waiting" | "refused" | "unreadable";

const fateOf = ({ ledger }: Store, seq: number): Fate => {
  if (ledger.waiting.has(seq)) return "waiting";
  if (ledger.refused.has(seq)) return "refused";
  return ledger.unreadable.has(seq) ? "unreadable" : "receipted";
};

const newestDayFirst = (a: AccountLine, b: AccountLine): number =>
  (b.day ?? "").localeCompare(a.day ?? "") || (a.sensor ?? "").localeCompare(b.sensor ?? "");

/** From what is in memory: no row is read for it. */
export const accountOf = (store: Store): OutboxAccount => {
  const { digests, ledger, lots } = store;
  const counts = new Map<number, Record<Fate, number>>();
  const from = Math.max(1, ledger.newest - digests.capacity + 1);
  let skipped = 0;
  for (let seq = from; seq <= ledger.newest; seq += 1) {
    const lot = digests.lotAt(seq);
    if (lot === null) {
      skipped += 1;
      continue;
    }
    const count = counts.get(lot) ?? { receipted: 0, waiting: 0, refused: 0, unreadable: 0 };
    count[fateOf(store, seq)] += 1;
    counts.set(lot, count);
  }
  const lines = [...counts].map(([lot, count]): AccountLine => {
    const { sensor, day } = lots.of(lot) ?? { sensor: null, day: null };
    const stored = count.receipted + count.waiting + count.refused + count.unreadable;
    return { sensor, day, stored, ...count };
  });
  const numbers = ledger.newest === 0 ? null : { from, to: ledger.newest };
  return { lines: lines.toSorted(newestDayFirst), numbers, skipped };
};
