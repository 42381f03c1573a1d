/** One line of the table: ours next to a peer or a limit of the same run, on the same disk, broker and machine. */
export interface Figure {
  readonly what: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly peerName: string;
  readonly unit: string;
  /** ours / peer; null where there is no peer. */
  readonly ratio: number | null;
  /** As a person reads it, for example `>= 3 x`. */
  readonly goal: string;
  /** Null where the goal is not of this kind, or cannot be judged here. */
  readonly met: boolean | null;
  readonly note?: string;
}

export interface BenchOptions {
  /** Smaller numbers, for a look: the whole run stays below a minute. */
  readonly quick: boolean;
}

export interface Bench {
  readonly name: string;
  run(options: BenchOptions, signal: AbortSignal): Promise<readonly Figure[]>;
}

export type Goal =
  | { readonly tag: "at-least"; readonly times: number }
  | { readonly tag: "at-most"; readonly times: number }
  | { readonly tag: "none" };

export interface Compared {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  readonly goal: Goal;
  readonly note?: string;
}

/** A figure from two measurements of the same run. */
export const compare = ({ goal, ...measured }: Compared): Figure => {
  const ratio = measured.ours / measured.peer;
  const met = goal.tag === "none" ? null : goal.tag === "at-least" ? ratio >= goal.times : ratio <= goal.times;
  const text = goal.tag === "none" ? "" : `${goal.tag === "at-least" ? ">=" : "<="} ${goal.times} x`;
  return { ...measured, ratio, goal: text, met };
};

/** The smallest value that at least `share` of the values do not exceed; NaN for none. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN;

export const median = (values: readonly number[]): number => quantile(values, 0.5);
