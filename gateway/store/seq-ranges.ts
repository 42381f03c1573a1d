/** Inclusive: [1, 3] is 1, 2, 3. */
export type SeqRange = readonly [from: number, to: number];

/**
 * A set of sequence numbers kept as runs. Numbers are given one after the other and settled from below, so 100 000
 * waiting readings are a run or a few: memory does not grow with the backlog but with the holes in it.
 */
export interface SeqRanges {
  /** How many numbers. */
  readonly size: number;
  readonly first: number | null;
  readonly last: number | null;
  has(seq: number): boolean;
  /** Ascending runs, cut to [from, to]. */
  within(from: number, to: number): readonly SeqRange[];
  add(from: number, to: number): void;
  /** Takes the numbers out that are there, and returns how many they were. */
  remove(from: number, to: number): number;
}

export const createSeqRanges = (initial: readonly SeqRange[] = []): SeqRanges => {
  /** Sorted, disjoint, never touching. */
  const runs: [from: number, to: number][] = [];
  let size = 0;

  /** Index of the first run that ends at or above `seq`; the number of runs where there is none. */
  const firstEndingAtOrAbove = (seq: number): number => {
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = runs[middle];
      if (run !== undefined && run[1] < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const within = (from: number, to: number): SeqRange[] => {
    const found: SeqRange[] = [];
    for (let at = firstEndingAtOrAbove(from); at < runs.length; at += 1) {
      const run = runs[at];
      if (run === undefined || run[0] > to) break;
      found.push([Math.max(run[0], from), Math.min(run[1], to)]);
    }
    return found;
  };

  const count = (found: readonly SeqRange[]): number => found.reduce((sum, [from, to]) => sum + to - from + 1, 0);

  const ranges: SeqRanges = {
    get size() {
      return size;
    },
    get first() {
      return runs[0]?.[0] ?? null;
    },
    get last() {
      return runs.at(-1)?.[1] ?? null;
    },
    has: (seq) => {
      const run = runs[firstEndingAtOrAbove(seq)];
      return run !== undefined && run[0] <= seq;
    },
    within,
    add: (from, to) => {
      if (from > to) return;
      size += to - from + 1 - count(within(from, to));
      // Runs that touch the new one (end at from - 1, start at to + 1) are joined with it.
      const start = firstEndingAtOrAbove(from - 1);
      let end = start;
      let joined: [number, number] = [from, to];
      for (let run = runs[end]; run !== undefined && run[0] <= to + 1; run = runs[end]) {
        joined = [Math.min(joined[0], run[0]), Math.max(joined[1], run[1])];
        end += 1;
      }
      runs.splice(start, end - start, joined);
    },
    remove: (from, to) => {
      const removed = count(within(from, to));
      if (removed === 0) return 0;
      size -= removed;
      const start = firstEndingAtOrAbove(from);
      let end = start;
      const left: [number, number][] = [];
      for (let run = runs[end]; run !== undefined && run[0] <= to; run = runs[end]) {
        if (run[0] < from) left.push([run[0], from - 1]);
        if (run[1] > to) left.push([to + 1, run[1]]);
        end += 1;
      }
      runs.splice(start, end - start, ...left);
      return removed;
    },
  };
  for (const [from, to] of initial) ranges.add(from, to);
  return ranges;
};
