import type { Millis } from "../../protocol/time.ts";

/** Numbers that were passed over: inclusive, and since when the region knows that they are. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly since: Millis;
}

/**
 * Which sequence numbers of one hub the region has accounted for: all of 1..`high` except those in `gaps`, which
 * ascend and never touch. A number is accounted for when its reading was accepted or refused.
 */
export interface Ledger {
  readonly high: number;
  readonly gaps: readonly Gap[];
}

export const emptyLedger: Ledger = { high: 0, gaps: [] };

export const isAccounted = (ledger: Ledger, seq: number): boolean =>
  seq >= 1 && seq <= ledger.high && !ledger.gaps.some((gap) => gap.from <= seq && seq <= gap.to);

/** Highest number up to which nothing is missing. */
export const contiguousOf = (ledger: Ledger): number => (ledger.gaps[0]?.from ?? ledger.high + 1) - 1;

export const missingCount = (ledger: Ledger): number =>
  ledger.gaps.reduce((total, gap) => total + gap.to - gap.from + 1, 0);

/** Account for one number, in any order. What is left of a gap keeps the moment at which the gap opened. */
export const account = (ledger: Ledger, seq: number, at: Millis): Ledger => {
  if (seq === ledger.high + 1) return { high: seq, gaps: ledger.gaps };
  if (seq > ledger.high)
    return { high: seq, gaps: [...ledger.gaps, { from: ledger.high + 1, to: seq - 1, since: at }] };
  const index = ledger.gaps.findIndex((gap) => gap.from <= seq && seq <= gap.to);
  const gap = ledger.gaps[index];
  if (gap === undefined) return ledger;
  const rest = [
    { ...gap, to: seq - 1 },
    { ...gap, from: seq + 1 },
  ].filter((part) => part.from <= part.to);
  return { high: ledger.high, gaps: ledger.gaps.toSpliced(index, 1, ...rest) };
};

export interface Statement {
  readonly through: number;
  readonly missing: readonly (readonly [from: number, to: number])[];
  /** When a young gap becomes old and the statement therefore changes by itself; null where none is young. */
  readonly changesAt: Millis | null;
}

export interface StatementRules {
  /** How long a gap may close by itself, because messages overtake each other, before the region asks for it. */
  readonly grace: Millis;
  /** Most ranges that one receipt names. */
  readonly maxMissing: number;
}

/**
 * What the region can say about the numbers at the moment `at`.
 *
 * `through` is the highest contiguous number, but a gap must not hold up what lies above it for ever: a gap older
 * than the grace is named in `missing`, and `through` passes over it. So `through` stops below the first gap that is
 * still young, or below the first one that no longer fits into the list (then the statement stays true, and what
 * lies above waits for a gap to close). Old gaps are named again in every statement until they close: the region
 * never writes a number off by itself.
 */
export const statementOf = (ledger: Ledger, at: Millis, rules: StatementRules): Statement => {
  const missing: (readonly [number, number])[] = [];
  for (const gap of ledger.gaps) {
    const young = at - gap.since < rules.grace;
    if (young || missing.length === rules.maxMissing) {
      return { through: gap.from - 1, missing, changesAt: young ? ((gap.since + rules.grace) as Millis) : null };
    }
    missing.push([gap.from, gap.to]);
  }
  return { through: ledger.high, missing, changesAt: null };
};
