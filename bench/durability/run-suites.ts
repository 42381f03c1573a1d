import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../protocol/errors.ts";
import { type FaultResult, NOTHING } from "./result.ts";
import type { FaultSuite, Mode, SuiteOutcome } from "./suite.ts";

export interface RunOptions {
  readonly mode: Mode;
  readonly seed: number;
  /** Milliseconds for all suites of a quick run together, recordings included. */
  readonly box: number;
  readonly say: (text: string) => void;
}

const PLACES = [fileURLToPath(new URL("../..", import.meta.url)), tmpdir(), "/dev/shm/"];

/** The sentence without paths of this machine: the page is published. */
export const withoutPlaces = (sentence: string): string =>
  PLACES.reduce((text, place) => text.replaceAll(place, ""), sentence);

const cleaned = (outcome: SuiteOutcome): SuiteOutcome => ({ ...outcome, wrong: outcome.wrong.map(withoutPlaces) });

const shareOf = ({ quick }: FaultSuite): number => quick?.share ?? 0;

/** One suite; one that breaks off is a result that says so. */
const runOne = async (
  suite: FaultSuite,
  { mode, seed, say }: RunOptions,
  until: number,
  signal: AbortSignal,
): Promise<FaultResult> => {
  const { fault, name, about, injects } = suite;
  const { atLeast } = suite[mode] ?? suite.full;
  say(`${fault} ${name}: at least ${atLeast}`);
  const request = {
    seed,
    mode,
    atLeast,
    // A full run of cuts ends with its recording, other full runs with their minimum.
    atMost: mode === "full" && injects !== "cut" ? atLeast : Number.POSITIVE_INFINITY,
    isTimeUp: () => mode === "quick" && performance.now() >= until,
    say: (text: string) => say(`${fault} ${text}`),
  };
  const outcome = await suite.run(request, signal).catch((thrown: unknown): SuiteOutcome => {
    signal.throwIfAborted();
    return { ...NOTHING, wrong: [`the suite broke off: ${messageOf(thrown)}`] };
  });
  say(`${fault} done: ${outcome.injected} tried, ${outcome.taken} readings looked for, ${outcome.lost} lost`);
  return { suite: { fault, name, about, injects }, atLeast, outcome: cleaned(outcome) };
};

/** All suites, one after another; what one leaves of its time the next ones share. A quick run has only its own. */
export const runSuites = async (
  suites: readonly FaultSuite[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<readonly FaultResult[]> => {
  const startedAt = performance.now();
  const results: FaultResult[] = [];
  const run = suites.filter(({ quick }) => options.mode === "full" || quick !== null);
  for (const [i, suite] of run.entries()) {
    const shares = run.slice(i).reduce((sum, one) => sum + shareOf(one), 0);
    const now = performance.now();
    const left = Math.max(0, startedAt + options.box - now);
    results.push(await runOne(suite, options, now + (left * shareOf(suite)) / shares, signal));
  }
  return results;
};
