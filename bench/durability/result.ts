import { quantile } from "../figure.ts";
import type { Circumstances } from "./circumstances.ts";
import type { FaultSuite, Mode, SuiteOutcome } from "./suite.ts";

/** One suite and what came of it; a suite that broke off has its reason as a wrong sentence. */
export interface FaultResult {
  readonly suite: Pick<FaultSuite, "fault" | "name" | "about" | "injects">;
  readonly atLeast: number;
  readonly outcome: SuiteOutcome;
}

export interface Result {
  readonly mode: Mode;
  readonly seed: number;
  readonly seconds: number;
  readonly circumstances: Circumstances;
  readonly faults: readonly FaultResult[];
  readonly control: FaultResult;
  /** Suites that were left out because the run is quick. */
  readonly leftOut: readonly Pick<FaultSuite, "fault" | "name">[];
}

export const NOTHING: SuiteOutcome = {
  injected: 0,
  taken: 0,
  lost: 0,
  altered: 0,
  doubled: 0,
  sentAgain: null,
  falseAlarms: null,
  wrong: [],
  recoveriesMs: [],
  cuts: [],
  timeline: [],
};

export type Verdict = "passed" | "failed";

/** A suite passes where it did its minimum and found nothing. */
export const verdictOf = ({ atLeast, outcome }: FaultResult): Verdict => {
  const { injected, lost, altered, doubled, wrong } = outcome;
  return injected >= atLeast && lost + altered + doubled + wrong.length === 0 ? "passed" : "failed";
};

/** The control passes where it did its minimum and readings were lost: the instrument sees a loss. */
export const sees = ({ atLeast, outcome }: FaultResult): boolean => outcome.injected >= atLeast && outcome.lost > 0;

export interface Totals {
  readonly cuts: number;
  readonly kills: number;
  readonly troubles: number;
  readonly taken: number;
  readonly lost: number;
  readonly altered: number;
  readonly duplicatesInEffect: number;
}

export const totalsOf = (faults: readonly FaultResult[]): Totals => {
  const sum = (pick: (outcome: SuiteOutcome) => number, of = faults): number =>
    of.reduce((total, { outcome }) => total + pick(outcome), 0);
  const injectedBy = (kind: FaultSuite["injects"]): number =>
    sum(
      ({ injected }) => injected,
      faults.filter(({ suite }) => suite.injects === kind),
    );
  return {
    cuts: injectedBy("cut"),
    kills: injectedBy("kill"),
    troubles: injectedBy("trouble"),
    taken: sum(({ taken }) => taken),
    lost: sum(({ lost }) => lost),
    altered: sum(({ altered }) => altered),
    duplicatesInEffect: sum(({ doubled }) => doubled),
  };
};

export const hasPassed = ({ faults, control }: Pick<Result, "faults" | "control">): boolean =>
  faults.every((one) => verdictOf(one) === "passed") && sees(control);

/** One decimal of a millisecond; null where nothing was measured. */
const tenths = (ms: number): number | null => (Number.isFinite(ms) ? Math.round(ms * 10) / 10 : null);

export const recoveryOf = (recoveriesMs: readonly number[]) => ({
  shortest: tenths(Math.min(...recoveriesMs)),
  median: tenths(quantile(recoveriesMs, 0.5)),
  p95: tenths(quantile(recoveriesMs, 0.95)),
  longest: tenths(Math.max(...recoveriesMs)),
});

const faultLine = (result: FaultResult) => {
  const { suite, atLeast, outcome } = result;
  const { injected, taken, lost, altered, doubled, sentAgain, falseAlarms, wrong, recoveriesMs } = outcome;
  return {
    fault: suite.fault,
    suite: suite.name,
    injects: suite.injects,
    injected,
    atLeast,
    taken,
    lost,
    altered,
    duplicatesInEffect: doubled,
    sentAgain,
    falseAlarms,
    recoveryMs: recoveryOf(recoveriesMs),
    wrong,
  };
};

/** What `--json` prints. */
export const summaryOf = (result: Result) => {
  const { mode, seed, seconds, circumstances, faults, control, leftOut } = result;
  const { cuts, taken, lost, altered, duplicatesInEffect, kills, troubles } = totalsOf(faults);
  return {
    cuts,
    taken,
    lost,
    altered,
    duplicatesInEffect,
    kills,
    troubles,
    seconds,
    seed,
    mode,
    passed: hasPassed(result),
    ...circumstances,
    faults: faults.map((one) => ({ ...faultLine(one), result: verdictOf(one) })),
    control: { ...faultLine(control), seesLoss: sees(control) },
    leftOut: leftOut.map(({ fault, name }) => ({ fault, suite: name })),
  };
};
