import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import { type Arrival, type EpochMs, epochMs, type HubClockState, type Millis, millis } from "../../protocol/time.ts";

/**
 * No clock that is right says less: this version was made later. A board without a battery starts at 1970 or at the
 * date of its image, and is not believed.
 */
export const CLOCK_FLOOR: EpochMs = epochMs(Date.UTC(2026, 5, 1));

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
  if (now < CLOCK_FLOOR) return { state: "unset", errorMs: null };
  if (signs.synchronised) return { state: "ntp", errorMs: NTP_ERROR_MS };
  if (sinceSync !== null) return { state: "holdover", errorMs: Math.ceil(NTP_ERROR_MS + sinceSync * DRIFT_PER_MS) };
  return { state: signs.rtc ? "rtc" : "holdover", errorMs: null };
};

export interface KeptHubTime extends HubTime {
  /** Look at the signs now. Stamps use the result. */
  look(): Promise<void>;
  /** Look again every 30 s until `signal` aborts; resolves then. */
  run(signal: AbortSignal): Promise<void>;
}

export interface HubTimeOptions {
  readonly clock: Clock;
  /** Changes with every start of the machine; monotonic stamps compare only within one. */
  readonly bootId: string;
  /** Time from the machine's start to the zero of `clock.elapsed`: stamps count from the machine's start. */
  readonly zeroAt: Millis;
  readonly signs: () => Promise<ClockSigns>;
}

/** Stamps of this boot. Until the first look the clock counts as never synchronised. */
export const createHubTime = ({ clock, bootId, zeroAt, signs }: HubTimeOptions): KeptHubTime => {
  let seen: ClockSigns = { synchronised: false, rtc: false };
  let syncedAt: Millis | null = null;

  const look = async (): Promise<void> => {
    seen = await signs();
    if (seen.synchronised) syncedAt = clock.elapsed();
  };

  return {
    stamp: (): Arrival => {
      const [now, elapsed] = [clock.now(), clock.elapsed()];
      const hubClock = judgeClock(now, seen, syncedAt === null ? null : millis(elapsed - syncedAt));
      return { utc: hubClock.state === "unset" ? null : now, bootId, monoMs: millis(zeroAt + elapsed), hubClock };
    },
    look,
    run: async (signal) => {
      while (!signal.aborted) {
        await look();
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
  };
};
