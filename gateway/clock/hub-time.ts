import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import { type Arrival, type EpochMs, epochMs, type HubClockState, type Millis, millis } from "../../protocol/time.ts";

/**
 * No clock that is right says less: this version was made later. A board without a battery starts at 1970 or at the
 * date of its image, and is not believed.
 */
export const CLOCK_FLOOR: EpochMs = epochMs(Date.UTC(2026, 5, 1));

/**
 * Nor does a clock that is right say this or more: 20 years are longer than a hub's hardware lives, and than any
 * certificate that it could be talking under. A clock chip with garbage in it starts at 2099 as well as at 1970.
 */
export const CLOCK_CEILING: EpochMs = epochMs(Date.UTC(2046, 5, 1));

/**
 * The wall clock was set, if it went this much otherwise than the monotonic one since the last look: a clock that is
 * slewed (adjtime(3), 500 ppm) moves 15 ms in 30 s.
 */
const STEP_MS = 1000;

/** How often the signs of synchronisation are looked at; stamps between use the last look. */
const LOOK_EVERY = millis(30_000);

/** What a home router's NTP over the internet leaves, with room: timesyncd says tens of milliseconds. */
const NTP_ERROR_MS = 100;

/** Quartz of a small board, with temperature: 50 parts in a million, 4.3 s a day. */
const DRIFT_PER_MS = 50e-6;

/** Signs of how the wall clock is kept, as the machine shows them now. */
export interface ClockSigns {
  readonly synchronised: boolean;
  readonly rtc: boolean;
}

export interface ClockJudgement {
  readonly state: HubClockState;
  readonly errorMs: number | null;
}

/**
 * How far the wall clock can be trusted. `sinceSync` is the time since it was last seen synchronised in this boot, null
 * where it never was. Without any sign it is `holdover` with an unknown error: usable, and honest about it.
 */
export const judgeClock = (now: EpochMs, signs: ClockSigns, sinceSync: Millis | null): ClockJudgement => {
  if (now < CLOCK_FLOOR || now >= CLOCK_CEILING) return { state: "unset", errorMs: null };
  if (signs.synchronised) return { state: "ntp", errorMs: NTP_ERROR_MS };
  if (sinceSync !== null) return { state: "holdover", errorMs: Math.ceil(NTP_ERROR_MS + sinceSync * DRIFT_PER_MS) };
  return { state: signs.rtc ? "rtc" : "holdover", errorMs: null };
};

/** The wall clock was set while the hub ran. */
export interface ClockStep {
  /** How far it was set forward; negative: back. */
  readonly byMs: number;
  readonly before: HubClockState;
  readonly after: HubClockState;
}

export interface KeptHubTime extends HubTime {
  /** Look at the signs now. Stamps use the result. */
  look(): Promise<void>;
  /** Look again every 30 s until `signal` aborts; resolves then. `onStep` is told when the clock was set in between. */
  run(signal: AbortSignal, onStep?: (step: ClockStep) => void): Promise<void>;
}

export interface HubTimeOptions {
  readonly clock: Clock;
  /** Changes with every start of the machine; monotonic stamps compare only within one. */
  readonly bootId: string;
  /** Time from the machine's start to the zero of `clock.elapsed`: stamps count from the machine's start. */
  readonly zeroAt: Millis;
  readonly signs: () => Promise<ClockSigns>;
}

/**
 * Stamps of this boot. Until the first look the clock counts as never synchronised. After the wall clock was set, how
 * far it is off is not known until the next look: whoever set it may have been wrong.
 */
export const createHubTime = ({ clock, bootId, zeroAt, signs }: HubTimeOptions): KeptHubTime => {
  let seen: ClockSigns = { synchronised: false, rtc: false };
  let syncedAt: Millis | null = null;
  /** Wall clock less monotonic clock at the last look. */
  let apart: number | null = null;

  const stepOf = (now: EpochMs, elapsed: Millis): number => {
    const byMs = apart === null ? 0 : now - elapsed - apart;
    return Math.abs(byMs) > STEP_MS ? byMs : 0;
  };

  const judge = (now: EpochMs, elapsed: Millis): ClockJudgement =>
    stepOf(now, elapsed) === 0
      ? judgeClock(now, seen, syncedAt === null ? null : millis(elapsed - syncedAt))
      : judgeClock(now, { ...seen, synchronised: false }, null);

  const look = async (): Promise<ClockStep | null> => {
    const found = await signs();
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    const byMs = stepOf(now, elapsed);
    const before = apart === null ? null : judgeClock(epochMs(apart + elapsed), seen, null).state;
    seen = found;
    apart = now - elapsed;
    if (byMs !== 0) syncedAt = null;
    if (seen.synchronised) syncedAt = elapsed;
    return byMs === 0 || before === null ? null : { byMs, before, after: judge(now, elapsed).state };
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
  };
};
