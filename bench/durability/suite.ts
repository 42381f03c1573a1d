import type { LossModel } from "../../tests/power-cut/disk-model.ts";
import type { Operation } from "../../tests/power-cut/recording.ts";

export type Mode = "quick" | "full";

/** What a suite is asked for. It does its minimum in any case, and then goes on until the time is up. */
export interface SuiteRequest {
  readonly seed: number;
  readonly mode: Mode;
  /** Faults to inject at least, and at most. */
  readonly atLeast: number;
  readonly atMost: number;
  /** True when this suite's share of the time is used up; never true in a full run. */
  readonly isTimeUp: () => boolean;
  /** One line of progress. */
  readonly say: (text: string) => void;
}

/** One operation of a recorded run, for the timeline. */
export interface Moment {
  readonly tag: Operation["tag"];
  /** Name of the file in the folder of the outbox; null for what is no operation on the disk. */
  readonly file: string | null;
  /** First words of what was acknowledged; empty for operations on the disk. */
  readonly said: readonly string[];
}

/** Cuts by the operation that was the last before the power went. */
export interface CutsOfKind {
  readonly kind: Operation["tag"];
  readonly loss: LossModel;
  readonly cuts: number;
}

/** What came of one suite. Only `injected`, `taken` and `sentAgain` may be above 0 in a good run. */
export interface SuiteOutcome {
  /** Cuts, kills or broken links; cuts are distinct disks. */
  readonly injected: number;
  /** Readings that the hub had acknowledged, looked for after a fault; summed over the faults. */
  readonly taken: number;
  readonly lost: number;
  readonly altered: number;
  /** Effects at the region beyond one for each measurement. */
  readonly doubled: number;
  /** Readings that came to the region again and had no effect; null where the suite does not count them. */
  readonly sentAgain: number | null;
  /** Sound disks that were taken for damaged. Nothing is lost by it, and it does not fail the run; null: not counted. */
  readonly falseAlarms: number | null;
  /** What went wrong, as sentences; the first of them. */
  readonly wrong: readonly string[];
  /** From the start of the outbox on the disk that the fault left until it takes readings, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  readonly cuts: readonly CutsOfKind[];
  /** The recorded run, where there is one to show. */
  readonly timeline: readonly Moment[];
}

/** One kind of fault against one part of the real system. */
export interface FaultSuite {
  /** Row of docs/faults.md, for example `F01`. */
  readonly fault: string;
  readonly name: string;
  /** What is done and what is looked for, in a sentence or two for a reader who has not seen the code. */
  readonly about: string;
  readonly injects: "cut" | "kill" | "trouble";
  /**
   * Faults that are injected whatever the time, and the share of a quick run's time, in parts of the sum of all shares.
   * Null: too long for a quick run, and left out there by name.
   */
  readonly quick: { readonly atLeast: number; readonly share: number } | null;
  readonly full: { readonly atLeast: number };
  run(request: SuiteRequest, signal: AbortSignal): Promise<SuiteOutcome>;
}

/** Sentences that a suite keeps; the counts go on. */
export const MOST_WRONG = 20;
