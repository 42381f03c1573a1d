import { type EpochMs, epochMs, type HubClockState, type Millis } from "../../protocol/time.ts";
import { boundAfter, isFresh, type Synchronisation } from "./synchronisation.ts";

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

/** A time that may be off by more than a day is none: only the region's word shows that, and then readings wait for a better one. */
const USELESS_MS = 86_400_000;

export interface ClockJudgement {
  readonly state: HubClockState;
  readonly errorMs: number | null;
}

const UNSET: ClockJudgement = { state: "unset", errorMs: null };

/** What is known when the wall clock is judged. */
export interface ClockEvidence {
  /** What a source said at the last look, `sinceLook` ago; null where none keeps the clock. */
  readonly sync: Synchronisation | null;
  readonly sinceLook: Millis;
  /** The last word of a source in this boot, and how long ago it was given; null where there was none. */
  readonly last: { readonly sync: Synchronisation; readonly since: Millis } | null;
  readonly rtc: boolean;
  /** A time that has been: an earlier boot was synchronised then (time-floor.ts). */
  readonly floor: EpochMs;
}

/**
 * How far the wall clock can be trusted. Synchronised now: `ntp`. Synchronised before in this boot, or by a source that
 * has not heard from its servers for long: `holdover`, with the bound of the last word and what may have come to it
 * since; the same where only the region's signed time bounds its error. Without any sign it is `holdover` with an unknown error: usable, and honest about it.
 *
 * A clock that is not kept and says less than `floor` is behind a time that has been, so it is wrong: `unset`. One that
 * is kept is believed against the floor: the floor is what such a source said earlier, and the later word counts, or one
 * wrong server would set a hub back for years.
 */
export const judgeClock = (now: EpochMs, { sync, sinceLook, last, rtc, floor }: ClockEvidence): ClockJudgement => {
  if (now < CLOCK_FLOOR || now >= CLOCK_CEILING) return UNSET;
  if (sync !== null) {
    const errorMs = boundAfter(sync, sinceLook);
    if (errorMs > USELESS_MS) return UNSET;
    return { state: sync.source !== "region" && isFresh(sync) ? "ntp" : "holdover", errorMs };
  }
  if (last !== null) return { state: "holdover", errorMs: boundAfter(last.sync, last.since) };
  if (now < floor) return UNSET;
  return { state: rtc ? "rtc" : "holdover", errorMs: null };
};
