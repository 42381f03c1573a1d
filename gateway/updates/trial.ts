import type { ImageHash } from "../../ota/slots/slots.ts";
import type { Reason, ReasonCode } from "../../ota/update/update-state.ts";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { type Gate, networkGate, type TrialProbes, trialGates } from "./trial-gates.ts";
import type { Before, TrialFile, TrialRecord } from "./trial-record.ts";

/** In which a release has to prove itself, over all its starts (design ota.md). */
export const TRIAL_TIME: Millis = minutes(10);
/** Everything holds for so long in one: a link that comes and goes is none. */
export const STEADY_TIME: Millis = seconds(30);
/** How long a network that is gone is waited for, over all starts. Then the release before takes over: it had a link. */
export const LONGEST_EXCUSE: Millis = minutes(24 * 60);

const ROUND_EVERY = seconds(5);
/** While the network is gone nothing is in a hurry. */
const AWAY_EVERY = minutes(1);
/** A cut of the power loses this much of what is counted; with three starts two minutes at most. */
const SAVE_EVERY = minutes(1);

/** Nobody noted what the release before could do: the least that is asked of one that runs a hub. */
const UNKNOWN: Before = { isOnline: true, isEchoed: false, isDrained: false, transports: [], broker: null };

export interface TrialOptions {
  /** The release that runs, and that is on trial. */
  readonly image: ImageHash;
  readonly probes: TrialProbes;
  readonly file: TrialFile;
  /** Where this release believes the broker to be; what the release before knew goes before it. */
  readonly broker: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Trial {
  /**
   * Resolves with null when the release has proved itself, with the reason where it has not. Rejects only with the reason
   * of the signal.
   */
  prove(signal: AbortSignal): Promise<Reason | null>;
}

const NEXT = "the release before runs again, and the region looks at this one before it publishes another";

const FOUND: Partial<Record<ReasonCode, string>> = {
  "no-ready": "it did not become ready",
  "self-test": "its self-test failed",
  outbox: "it could not write and read the outbox",
  transports: "it could not open what sensors are read through",
  "no-broker": "the region's broker can be reached, and it has no link to it",
  "no-echo": "it has a link, and does not hear itself over it",
  "not-draining": "it has a link, and waiting readings do not get away",
};

const failure = (code: ReasonCode, found: string): Reason => ({
  code,
  sentence: `update: ${FOUND[code] ?? "it did not prove itself"} (${found}); ${NEXT}`,
});

const AWAY_TOO_LONG: Reason = {
  code: "out-of-time",
  sentence: `update: the network was gone for a day of its trial, so nothing showed that it has a link; ${NEXT}`,
};

interface Failed {
  readonly gate: Gate;
  readonly found: string;
}

/** The trial of a release. What it has counted outlives a restart; a start that is cut short is counted by the launcher. */
export const createTrial = ({ image, probes, file, broker, clock, logger }: TrialOptions): Trial => {
  let saved: Millis | null = null;

  const save = async (record: TrialRecord): Promise<void> => {
    const now = clock.elapsed();
    if (saved !== null && now - saved < SAVE_EVERY) return;
    saved = now;
    try {
      await file.save(record);
    } catch (thrown) {
      logger.warn("time of the trial not noted, it is counted in memory", { reason: messageOf(thrown) });
    }
  };

  const askAll = async (gates: readonly Gate[], signal: AbortSignal): Promise<readonly Failed[]> => {
    const found = await Promise.all(gates.map((gate) => gate.ask(signal)));
    signal.throwIfAborted();
    return gates.flatMap((gate, i): Failed[] => {
      const what = found[i] ?? null;
      return what === null ? [] : [{ gate, found: what }];
    });
  };

  /** The network is gone for everybody, and nothing else is wrong. */
  const isExcused = async (failed: readonly Failed[], before: Before, signal: AbortSignal): Promise<boolean> => {
    if (failed.length === 0 || failed.some(({ gate }) => !gate.needsNetwork)) return false;
    const isReached = (await networkGate(before.broker ?? broker, probes, clock).ask(signal)) === null;
    signal.throwIfAborted();
    return !isReached;
  };

  const tell = (failed: Failed | undefined, before: Failed | undefined): void => {
    if (failed?.gate.code === before?.gate.code) return;
    logger.info("trial of a release", { state: failed?.gate.code ?? "all-holds", found: failed?.found });
  };

  return {
    prove: async (signal) => {
      let record = (await file.load(image)) ?? { image, before: UNKNOWN, judged: millis(0), excused: millis(0) };
      const gates = trialGates(record.before, probes, clock);
      let counted = clock.elapsed();
      let steadySince: Millis | null = null;
      let worst: Failed | undefined;
      for (;;) {
        const began = clock.elapsed();
        const failed = await askAll(gates, signal);
        const isAway = await isExcused(failed, record.before, signal);
        const now = clock.elapsed();
        const passed = now - counted;
        counted = now;
        const { judged, excused } = record;
        record = isAway
          ? { ...record, excused: millis(excused + passed) }
          : { ...record, judged: millis(judged + passed) };

        const [first] = failed;
        tell(first, worst);
        worst = first;
        if (first === undefined) {
          steadySince ??= began;
          if (now - steadySince >= STEADY_TIME) return null;
        } else {
          steadySince = null;
          if (first.gate.isFinal) return failure(first.gate.code, first.found);
        }
        // Where all holds at the end of its time, it holds on for the rest of STEADY_TIME or fails.
        const isOver = record.judged >= TRIAL_TIME && !isAway;
        if (isOver && first !== undefined) return failure(first.gate.code, first.found);
        if (record.excused >= LONGEST_EXCUSE) return AWAY_TOO_LONG;
        await save(record);
        await clock.sleep(isAway ? AWAY_EVERY : ROUND_EVERY, signal);
      }
    },
  };
};
