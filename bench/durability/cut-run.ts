import { basename } from "node:path";
import { type Cut, cutsOf } from "../../tests/power-cut/cuts.ts";
import type { LossModel } from "../../tests/power-cut/disk-model.ts";
import { onDisk } from "../../tests/power-cut/on-disk.ts";
import type { Recording } from "../../tests/power-cut/record.ts";
import type { Operation } from "../../tests/power-cut/recording.ts";
import type { Aftermath } from "./after-fault.ts";
import { type CutsOfKind, MOST_WRONG, type Moment, type SuiteOutcome, type SuiteRequest } from "./suite.ts";

/**
 * Distances between two cuts, pass after pass over the recording. A quick run is stopped by the clock, so the first passes
 * spread over the whole recording (primes, so that every kind of operation is met) and the last fills what is between.
 */
const QUICK_PASSES = [13, 7, 5, 3, 1];
const FULL_PASSES = [1];
/** Between two lines of progress. */
const SAY_EVERY = 100;

export type CheckCut = (cut: Cut, place: string) => Promise<Aftermath>;

/** Distinct cuts, the ones that say most first. */
export function* plannedCuts(
  recording: Recording,
  { mode, seed }: Pick<SuiteRequest, "mode" | "seed">,
): Generator<Cut> {
  const seen = new Set<string>();
  for (const every of mode === "quick" ? QUICK_PASSES : FULL_PASSES) yield* cutsOf(recording, { every, seed, seen });
}

const momentOf = (operation: Operation, nameOf: Map<bigint, string>): Moment => {
  const { tag } = operation;
  if (tag === "acknowledge") {
    const lines = operation.text.split("\n").filter((line) => line !== "");
    return { tag, file: null, said: lines.map((line) => line.split(" ", 1)[0] ?? "") };
  }
  if ("path" in operation && "inode" in operation) {
    const name = basename(operation.path);
    nameOf.set(operation.inode, tag === "create" ? name : `${name}/`);
  }
  if (tag === "rename") return { tag, file: basename(operation.to), said: [] };
  if (tag === "unlink") return { tag, file: basename(operation.path), said: [] };
  return { tag, file: nameOf.get(operation.inode) ?? null, said: [] };
};

export const timelineOf = ({ operations }: Recording): readonly Moment[] => {
  const nameOf = new Map<bigint, string>();
  return operations.map((operation) => momentOf(operation, nameOf));
};

/** Counts of cuts by the last operation before them. */
const createTally = ({ operations }: Recording) => {
  const counts = new Map<string, { kind: Operation["tag"]; loss: LossModel; cuts: number }>();
  return {
    add: ({ after, loss }: Cut): void => {
      const kind = operations[after - 1]?.tag ?? "write";
      const key = `${kind} ${loss}`;
      const count = counts.get(key) ?? { kind, loss, cuts: 0 };
      count.cuts += 1;
      counts.set(key, count);
    },
    all: (): readonly CutsOfKind[] => [...counts.values()],
  };
};

const failedToStart = (thrown: unknown, cut: Cut): Aftermath => ({
  taken: cut.acknowledged.filter((line) => line.startsWith("stored ")).length,
  lost: cut.acknowledged.filter((line) => line.startsWith("stored ")).length,
  altered: 0,
  doubled: 0,
  sentAgain: 0,
  broken: [`it does not start: ${String(thrown)}`],
  falseAlarm: false,
  recoveryMs: Number.NaN,
});

/** Cut the power of a recorded run again and again, and look at each disk. */
export const runCuts = async (
  recording: Recording,
  check: CheckCut,
  request: SuiteRequest,
  signal: AbortSignal,
): Promise<SuiteOutcome> => {
  const tally = createTally(recording);
  const wrong: string[] = [];
  const recoveriesMs: number[] = [];
  let [injected, taken, lost, altered, doubled, sentAgain, falseAlarms] = [0, 0, 0, 0, 0, 0, 0];
  for (const cut of plannedCuts(recording, request)) {
    signal.throwIfAborted();
    if (injected >= request.atMost || (injected >= request.atLeast && request.isTimeUp())) break;
    const found = await onDisk(cut, (place) => check(cut, place).catch((thrown) => failedToStart(thrown, cut)));
    tally.add(cut);
    injected += 1;
    taken += found.taken;
    lost += found.lost;
    altered += found.altered;
    doubled += found.doubled;
    sentAgain += found.sentAgain;
    if (found.falseAlarm) falseAlarms += 1;
    if (Number.isFinite(found.recoveryMs)) recoveriesMs.push(found.recoveryMs);
    const sentences = [
      ...(found.lost > 0 ? [`${found.lost} lost`] : []),
      ...(found.altered > 0 ? [`${found.altered} altered`] : []),
      ...(found.doubled > 0 ? [`${found.doubled} doubled`] : []),
      ...found.broken,
    ];
    if (sentences.length > 0 && wrong.length < MOST_WRONG) {
      wrong.push(`cut after ${cut.after} operations, ${cut.loss}: ${sentences.join("; ")}`);
    }
    if (injected % SAY_EVERY === 0) request.say(`${injected} cuts, ${lost} lost`);
  }
  return {
    injected,
    taken,
    lost,
    altered,
    doubled,
    sentAgain,
    falseAlarms,
    wrong,
    recoveriesMs,
    cuts: tally.all(),
    timeline: timelineOf(recording),
  };
};
