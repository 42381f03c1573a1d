import { isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type EpochMs, epochMs, type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { CLOCK_FLOOR } from "../clock/judge-clock.ts";
import type { ProvenTime } from "./proven-time.ts";
import type { TimeAnswer } from "./region-time.ts";
import type { SignedFloor } from "./signed-floor.ts";

/** What came of asking the region for the time. `unknown`: no service, no answer, or none that is signed. */
export type Proof = "proven" | "login" | "unknown";

/**
 * What a hub may do whose clock is wrong, and no more: have the time proven, and check certificates at that time. It sends
 * nothing, and the check of chain and name is never left out (docs/decisions/2026-11-22-time-escape.md).
 */
export interface TimeEscape extends ProvenTime {
  /** When certificates are to be checked: null by the machine's clock, else at this time. Never rejects. */
  checkTime(signal: AbortSignal): Promise<EpochMs | null>;
  /** Ask the region for the time, at most once in half a minute; else what came of it before. Never rejects. */
  prove(signal: AbortSignal): Promise<Proof>;
  /** Have the time proven each day, so that the floor is young when the power is cut, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface TimeEscapeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A time that has been, by the word of NTP (gateway/clock/time-floor.ts): a clock behind it is a reason to ask. */
  readonly noted: () => EpochMs;
  /** And one that the region signed: certificates may be checked at it. */
  readonly signed: SignedFloor;
  /** Null where the region has no time service. Rejects with HubError where its keys cannot be read. */
  readonly ask: ((signal: AbortSignal) => Promise<TimeAnswer>) | null;
  /** The machine's clock was found to be off by this much; told once for each time that it is found so. */
  readonly onWrongClock: (byMs: number) => void;
  /** [0, 1), for jitter. */
  readonly random: () => number;
}

/** Less is nothing that a certificate could fail by, and NTP may be at work. */
const WRONG_BY = minutes(1);
const ASK_AGAIN_AFTER = seconds(30);
const ASK_FIRST_WITHIN = minutes(10);
const ASK_AGAIN_LATER = minutes(60);
/** At 50 ppm a day makes 4.3 s; then the region is asked again, and the old proof serves until it answers. */
const PROVE_AGAIN_AFTER = minutes(24 * 60);
const DRIFT_PER_MS = 50e-6;

interface Base {
  readonly utc: EpochMs;
  readonly errorMs: number;
  readonly at: Millis;
}

export const createTimeEscape = (options: TimeEscapeOptions): TimeEscape => {
  const { clock, logger, noted, signed, ask, onWrongClock, random } = options;
  let base: Base | null = null;
  let last: { readonly at: Millis; readonly proof: Proof } | null = null;
  let said = false;

  const now = (): { readonly utc: EpochMs; readonly errorMs: number } | null => {
    if (base === null) return null;
    const age = clock.elapsed() - base.at;
    return { utc: epochMs(Math.round(base.utc + age)), errorMs: Math.ceil(base.errorMs + age * DRIFT_PER_MS) };
  };

  /** The proven time, where the machine's clock is another one. */
  const provenInstead = (): EpochMs | null => {
    const proven = now();
    if (proven === null) return null;
    const byMs = clock.now() - proven.utc;
    const isWrong = Math.abs(byMs) > WRONG_BY + proven.errorMs;
    if (isWrong && !said) onWrongClock(Math.round(byMs));
    said = isWrong;
    return isWrong ? proven.utc : null;
  };

  const take = async (answer: TimeAnswer): Promise<Proof> => {
    switch (answer.tag) {
      case "proven": {
        // Signed afresh and before what was signed already: one of the two is a lie, and a key may be in wrong hands.
        if (answer.utc + answer.errorMs < (signed.current() ?? CLOCK_FLOOR)) {
          logger.warn("region time not taken", { reason: "it lies before what is known to have been" });
          return "unknown";
        }
        base = answer;
        await signed.proven(answer.utc);
        logger.info("time proven by the region");
        return "proven";
      }
      case "login":
        return "login";
      case "unproven":
        logger.warn("region time not taken", { reason: answer.found });
        return "unknown";
      case "silent":
        logger.debug("region time not to be had", { reason: answer.found });
        return "unknown";
    }
  };

  const prove = async (signal: AbortSignal): Promise<Proof> => {
    if (ask === null) return "unknown";
    if (last !== null && clock.elapsed() - last.at < ASK_AGAIN_AFTER) return last.proof;
    let proof: Proof;
    try {
      proof = await take(await ask(signal));
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      logger.warn("region time not to be had", { code: thrown.code, reason: thrown.message });
      proof = "unknown";
    }
    last = { at: clock.elapsed(), proof };
    return proof;
  };

  return {
    now,
    prove,
    checkTime: async (signal) => {
      const floor = signed.current();
      const isBehind = clock.now() < Math.max(noted(), floor ?? CLOCK_FLOOR) - WRONG_BY;
      if (base === null && isBehind) await prove(signal);
      if (base !== null) return provenInstead();
      // It is this time or later. What NTP noted is no such proof: anybody on the way can say it.
      return floor !== null && clock.now() < floor - WRONG_BY ? floor : null;
    },
    run: async (signal) => {
      if (ask === null) return;
      // After a cut of the power a whole street starts at once.
      let wait = millis(Math.round(random() * ASK_FIRST_WITHIN));
      while (!signal.aborted) {
        await clock.sleep(wait, signal).catch(() => undefined);
        if (signal.aborted) return;
        wait = (await prove(signal)) === "proven" ? PROVE_AGAIN_AFTER : ASK_AGAIN_LATER;
        provenInstead();
      }
    },
  };
};
