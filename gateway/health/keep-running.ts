import { isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

/** A part that ran this long was well: its next failure starts with the shortest wait again. */
const STABLE = minutes(1);

export interface KeepRunningOptions {
  /** Name of the part in the log. */
  readonly part: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told at each failure, and with null when the part runs. */
  readonly onTrouble?: (sentence: string | null) => void;
}

const waitAfter = (failures: number): Millis => millis(Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS));

/**
 * Run a part until `signal` aborts. A failure (HubError) is said once in a sentence, and the part starts again after 1 s
 * to 1 min; the other parts go on meanwhile. Anything else that is thrown is a broken invariant and is passed on.
 */
export const keepRunning = async (
  { part, clock, logger, onTrouble }: KeepRunningOptions,
  run: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  let failures = 0;
  let said: string | null = null;
  while (!signal.aborted) {
    const started = clock.elapsed();
    try {
      onTrouble?.(null);
      await run(signal);
    } catch (thrown) {
      if (signal.aborted) return;
      if (!isHubError(thrown)) throw thrown;
      onTrouble?.(thrown.message);
      if (said !== thrown.message)
        logger.warn("part not available", { part, code: thrown.code, reason: thrown.message });
      said = thrown.message;
    }
    if (signal.aborted) return;
    failures = clock.elapsed() - started >= STABLE ? 0 : failures + 1;
    await clock.sleep(waitAfter(failures), signal).catch(() => undefined);
  }
};
