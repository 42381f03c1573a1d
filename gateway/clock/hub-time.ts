import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import { type Arrival, type EpochMs, epochMs, type HubClockState, type Millis, millis } from "../../protocol/time.ts";
import type { ProvenTime } from "../credentials/proven-time.ts";
import { CLOCK_FLOOR, type ClockJudgement, judgeClock } from "./judge-clock.ts";
import {
  isSameComparison,
  type SourceAnswer,
  type Synchronisation,
  type SyncSource,
  withProven,
} from "./synchronisation.ts";

/**
 * The wall clock was set, if it went this much otherwise than the monotonic one since the last look: a clock that is
 * slewed (adjtime(3), 500 ppm) moves 15 ms in 30 s.
 */
const STEP_MS = 1000;

/** How often the signs of synchronisation are looked at; stamps between use the last look. */
const LOOK_EVERY = millis(30_000);

/** Signs of how the wall clock is kept, as the machine shows them now. */
export interface ClockSigns {
  /** Null: nothing keeps it. */
  readonly sync: Synchronisation | null;
  readonly rtc: boolean;
  /** What each source said, for the technician. */
  readonly answers: Readonly<Partial<Record<SyncSource, SourceAnswer>>>;
}

/** The wall clock was set while the hub ran. */
export interface ClockStep {
  /** How far it was set forward; negative: back. */
  readonly byMs: number;
  readonly before: HubClockState;
  readonly after: HubClockState;
}

/** How the clock is kept, for people. */
export interface ClockStatus {
  readonly state: HubClockState;
  readonly errorMs: number | null;
  /** How long the state has been what it is. */
  readonly stateFor: Millis;
  /** The last word of a source in this boot and its age; null where there was none. */
  readonly last: { readonly sync: Synchronisation; readonly since: Millis } | null;
  readonly rtc: boolean;
  readonly answers: ClockSigns["answers"];
}

export interface KeptHubTime extends HubTime {
  /** Look at the signs now. Stamps use the result. */
  look(): Promise<void>;
  /** Look again every 30 s until `signal` aborts; resolves then. `onStep` is told when the clock was set in between. */
  run(signal: AbortSignal, onStep?: (step: ClockStep) => void): Promise<void>;
  /** As of the last look. */
  status(): ClockStatus;
}

export interface HubTimeOptions {
  readonly clock: Clock;
  /** Changes with every start of the machine; monotonic stamps compare only within one. */
  readonly bootId: string;
  /** Time from the machine's start to the zero of `clock.elapsed`: stamps count from the machine's start. */
  readonly zeroAt: Millis;
  readonly signs: () => Promise<ClockSigns>;
  /** A time that has been (time-floor.ts). Left out: when this version was made. */
  readonly floor?: () => EpochMs;
  /** A time that the region has signed, carried on (gateway/credentials/proven-time.ts). Left out: there is none. */
  readonly proven?: ProvenTime["now"];
}

interface Look {
  readonly signs: ClockSigns;
  readonly at: Millis;
  /** Wall clock less monotonic clock. */
  readonly apart: number;
}

const NO_SIGNS: ClockSigns = { sync: null, rtc: false, answers: {} };

/**
 * Stamps of this boot. Until the first look the clock counts as never synchronised. After the wall clock was set, how
 * far it is off is not known until a source has compared it anew: whoever set it may have been wrong, and a daemon that
 * was not asked goes on saying what it found before.
 */
export const createHubTime = (options: HubTimeOptions): KeptHubTime => {
  const { clock, bootId, zeroAt, signs, floor = () => CLOCK_FLOOR, proven = () => null } = options;
  let seen: Look | null = null;
  let last: { readonly sync: Synchronisation; readonly at: Millis } | null = null;
  /** The last word before the clock was set. */
  let overtaken: Synchronisation | null = null;
  let state: { readonly is: HubClockState; readonly from: Millis } = { is: "unset", from: clock.elapsed() };

  const stepOf = (now: EpochMs, elapsed: Millis): number => {
    const byMs = seen === null ? 0 : now - elapsed - seen.apart;
    return Math.abs(byMs) > STEP_MS ? byMs : 0;
  };

  const lastAt = (elapsed: Millis): ClockStatus["last"] =>
    last === null ? null : { sync: last.sync, since: millis(elapsed - last.at) };

  const judge = (now: EpochMs, elapsed: Millis): ClockJudgement => {
    const { sync, rtc } = seen?.signs ?? NO_SIGNS;
    const sinceLook = millis(elapsed - (seen?.at ?? elapsed));
    return stepOf(now, elapsed) === 0
      ? judgeClock(now, { sync, sinceLook, last: lastAt(elapsed), rtc, floor: floor() })
      : judgeClock(now, { sync: null, sinceLook, last: null, rtc, floor: floor() });
  };

  const look = async (): Promise<ClockStep | null> => {
    const found = await signs();
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    const byMs = stepOf(now, elapsed);
    const before = seen === null ? null : judge(epochMs(seen.apart + elapsed), elapsed).state;
    if (byMs !== 0) {
      overtaken = last?.sync ?? overtaken;
      last = null;
    }
    const isOvertaken = found.sync !== null && overtaken !== null && isSameComparison(found.sync, overtaken);
    const sync = withProven(isOvertaken ? null : found.sync, proven(), now);
    seen = { signs: { ...found, sync }, at: elapsed, apart: now - elapsed };
    if (sync !== null) last = { sync, at: elapsed };
    const after = judge(now, elapsed).state;
    if (after !== state.is) state = { is: after, from: elapsed };
    return byMs === 0 || before === null ? null : { byMs, before, after };
  };

  return {
    stamp: (): Arrival => {
      const [now, elapsed] = [clock.now(), clock.elapsed()];
      const hubClock = judge(now, elapsed);
      return { utc: hubClock.state === "unset" ? null : now, bootId, monoMs: millis(zeroAt + elapsed), hubClock };
    },
    look: async () => {
      await look();
    },
    run: async (signal, onStep) => {
      while (!signal.aborted) {
        const step = await look();
        if (step !== null) onStep?.(step);
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
    status: () => {
      const [now, elapsed] = [clock.now(), clock.elapsed()];
      const judgement = judge(now, elapsed);
      const stateFor = millis(judgement.state === state.is ? elapsed - state.from : 0);
      const { rtc, answers } = seen?.signs ?? NO_SIGNS;
      return { ...judgement, stateFor, last: lastAt(elapsed), rtc, answers };
    },
  };
};
