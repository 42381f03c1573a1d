import type { ReadingTime, TimeBasis, TimeFault } from "../../protocol/reading.ts";
import { type Arrival, epochMs, isoUtc } from "../../protocol/time.ts";
import { type DateTime, rawTextOf, weekday as weekdayOf } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { civilMs, civilMsOfText } from "./civil-time.ts";
import { fixedZone, type Zone } from "./zone.ts";

/** What is known about when a record was measured. */
export interface TimeInput {
  /** The sensor's own stamp; null where the record has none. */
  readonly device: DateTime | null;
  /** Minutes ahead of UTC that the sensor sent with its stamp; null where its time is the home's local time. */
  readonly offsetMin: number | null;
  /** ISO day of the week (Monday 1) that the sensor sent with its stamp, null where it sent none. */
  readonly weekday: number | null;
  readonly durationMs: number;
  /** Longest time from measurement to reception of a record without a stamp. */
  readonly receptionDelayMs: number;
  readonly at: Arrival;
  /** Sensor and hub clock read together on this connection, on the timeline that the record belongs to. */
  readonly pair: ClockPair | null;
  readonly zone: Zone;
}

/**
 * Drift allowed to a sensor's crystal: 20 ppm as made + 25 ppm at 27 K off its 25 degrees (0.034 ppm/K2) + 5 ppm
 * ageing = 50 ppm, 4.3 s a day.
 */
const DRIFT = 50e-6;
/** Sensors stamp in whole seconds, some in whole minutes. */
const SECOND = 1000;
const MINUTE = 60_000;
/** Without a pair, a stamp this close to its reception is taken as told: advertising 30 s + connecting + reading. */
const FRESH = 120_000;
/** An hour that clocks were turned by, where it cannot be known which side the sensor was on. */
const TURNED_HOUR = 3_600_000;
/** Bluetooth Low Energy was adopted on 2010-06-30 (Core 4.0): a stamp before it is a clock that lost its time. */
const EARLIEST = Date.UTC(2010, 5, 30);
const DAY = 86_400_000;
/** A stamp on 1 January this long ago is a clock that started again, not a record kept in memory for a year. */
const LONG_AGO = 366 * DAY;
/** A clock that is off by more than this now has itself started again from its factory date. */
const LOST_CLOCK = 30 * DAY;

interface Start {
  readonly utc: number | null;
  readonly basis: TimeBasis;
  readonly uncertaintyMs: number | null;
  readonly faults: readonly TimeFault[];
}

const unknown = (...faults: TimeFault[]): Start => ({ utc: null, basis: "unknown", uncertaintyMs: null, faults });

const isFactoryDate = (civil: number, hubUtc: number): boolean => {
  if (civil < EARLIEST) return true;
  const date = new Date(civil);
  return date.getUTCMonth() === 0 && date.getUTCDate() === 1 && hubUtc - civil > LONG_AGO;
};

/** Hub error added to what is known of the sensor; unknown plus anything is unknown. */
const withHubError = (ms: number, at: Arrival): number | null =>
  at.hubClock.errorMs === null ? null : Math.ceil(ms + at.hubClock.errorMs);

/** A civil time of the zone that cannot be after `latest`, and how far it may be off for the hour that was turned. */
const instantBefore = (
  civil: number,
  zone: Zone,
  reference: number,
  latest: number,
): { utc: number; turnedMs: number } => {
  const { earlier, later, skipped } = zone.instantOf(civil);
  if (skipped) return { utc: earlier, turnedMs: TURNED_HOUR };
  if (later === null || later > latest) return { utc: earlier, turnedMs: 0 };
  const utc = Math.abs(later - reference) <= Math.abs(earlier - reference) ? later : earlier;
  return { utc, turnedMs: later - earlier };
};

const foldFault = (turnedMs: number): readonly TimeFault[] => (turnedMs > 0 ? ["dst-fold"] : []);

const resolutionOf = ({ device }: TimeInput): number => (device?.second === null ? MINUTE : SECOND);

/** No pair: only the reception itself can witness the stamp. */
const startByReception = (civil: number, hubUtc: number, input: TimeInput): Start => {
  const resolution = resolutionOf(input);
  const latest = hubUtc + SECOND + (input.at.hubClock.errorMs ?? 0);
  const { earlier, later } = input.zone.instantOf(civil);
  for (const utc of later === null ? [earlier] : [later, earlier]) {
    const lag = hubUtc - utc;
    if (utc <= latest && lag <= FRESH) {
      const uncertaintyMs = withHubError(Math.abs(lag) + resolution, input.at);
      return { utc, basis: "device-synced", uncertaintyMs, faults: [] };
    }
  }
  return earlier > latest ? unknown("future", "timeline-unknown") : unknown("timeline-unknown");
};

/** Both clocks were read together: rules 3 and 4, with rule 7's uncertainty. */
const startByPair = (civil: number, hubUtc: number, pair: ClockPair, pairCivil: number, input: TimeInput): Start => {
  const { at, zone } = input;
  const errorMs = at.hubClock.errorMs ?? 0;
  const pairUtc = hubUtc - (at.monoMs - pair.hub.monoMs);
  const aheadMs = pairCivil - (pairUtc + zone.offsetAt(pairUtc));
  const agrees = Math.abs(aheadMs) <= pair.uncertaintyMs + errorMs;
  const isFactory = isFactoryDate(civil, hubUtc);
  const latest = hubUtc + pair.uncertaintyMs + errorMs;

  let utc = civil - (pairCivil - pairUtc);
  let looseMs = 0;
  let faults: readonly TimeFault[] = [];
  if (agrees) {
    const { utc: byZone, turnedMs } = instantBefore(civil, zone, utc, latest);
    utc = byZone;
    faults = foldFault(turnedMs);
    // The sensor shows the right time on this side of a change of clocks: who turned it, and when, is not known.
    looseMs = Math.abs(aheadMs) + Math.max(turnedMs, Math.abs(zone.offsetAt(utc) - zone.offsetAt(pairUtc)));
  }
  if (utc > latest) return unknown("future", "timeline-unknown");
  if (isFactory && Math.abs(aheadMs) <= LOST_CLOCK) return unknown("factory-date", "timeline-unknown");
  if (utc < EARLIEST) return unknown("timeline-unknown");
  // A pair's own uncertainty covers clocks that show seconds; a stamp without them adds its minute.
  const coarseMs = input.device?.second === null ? MINUTE : 0;
  const ageMs = Math.abs(pairUtc - utc);
  const uncertaintyMs = withHubError(pair.uncertaintyMs + DRIFT * ageMs + looseMs + coarseMs, at);
  const basis = agrees ? "device-synced" : "device-corrected";
  return { utc, basis, uncertaintyMs, faults: isFactory ? [...faults, "factory-date"] : faults };
};

const startOf = (civil: number, hubUtc: number, input: TimeInput): Start => {
  const { pair, at } = input;
  const pairCivil = pair === null ? null : civilMsOfText(pair.device);
  // A monotonic clock only measures within one boot, so a pair of another boot says nothing about this arrival.
  if (pair !== null && pairCivil !== null && pair.hub.bootId === at.bootId) {
    return startByPair(civil, hubUtc, pair, pairCivil, input);
  }
  if (isFactoryDate(civil, hubUtc)) return unknown("factory-date", "timeline-unknown");
  return startByReception(civil, hubUtc, input);
};

const byReception = (input: TimeInput): Start =>
  input.at.utc === null
    ? unknown()
    : {
        utc: input.at.utc - input.durationMs,
        basis: "reception",
        uncertaintyMs: withHubError(input.receptionDelayMs, input.at),
        faults: [],
      };

const byDevice = (device: DateTime, input: TimeInput): Start => {
  const civil = civilMs(device);
  if (civil === null) return unknown("incomplete-date");
  const start = input.at.utc === null ? unknown() : startOf(civil, input.at.utc, input);
  const isMismatch = input.weekday !== null && input.weekday !== weekdayOf(device);
  return isMismatch ? { ...start, faults: [...start.faults, "weekday-mismatch"] } : start;
};

/** The hub's side of a pair on the hub's clock as it is trusted now, so that a clock set in between does no harm. */
const coincidentOf = ({ pair, at }: TimeInput): ReadingTime["coincident"] =>
  pair === null || at.utc === null || pair.hub.bootId !== at.bootId
    ? null
    : { device: pair.device, hub: isoUtc(epochMs(at.utc - (at.monoMs - pair.hub.monoMs))) };

const iso = (utc: number | null): string | null => (utc === null ? null : isoUtc(epochMs(utc)));

/**
 * When a record was measured (design protocol.md, Time). It never guesses: where the clocks do not tell, `start` is
 * null and the raw stamp, the boot id and the monotonic time stay.
 *
 * - No stamp: the time of reception; with a duration, reception is its end.
 * - A stamp and a pair that agrees with the hub: the stamp, read in the home's zone (`device-synced`).
 * - A stamp and a pair that does not agree: shifted by hub - device (`device-corrected`); no zone is needed, so a
 *   sensor that nobody turned at the change of clocks comes out right.
 * - A stamp without a pair: kept where it was received within two minutes of what it says; else unknown.
 * - A stamp after its own reception, or from before the clock was set or lost its time: unknown, with the faults.
 * - The hour that occurs twice or never when clocks are turned: the likelier side, an hour of uncertainty, `dst-fold`.
 * - Hub clock unset: unknown until someone back-fills it.
 */
export const readingTime = (given: TimeInput): ReadingTime => {
  const input = given.offsetMin === null ? given : { ...given, zone: fixedZone(given.offsetMin) };
  const { at, device } = input;
  const start = device === null ? byReception(input) : byDevice(device, input);
  return {
    start: iso(start.utc),
    end: start.utc === null || input.durationMs === 0 ? null : iso(start.utc + input.durationMs),
    uncertaintyMs: start.uncertaintyMs,
    basis: start.basis,
    deviceRaw: device === null ? null : { text: rawTextOf(device), offsetMin: input.offsetMin },
    coincident: coincidentOf(input),
    received: { utc: iso(at.utc), bootId: at.bootId, monoMs: at.monoMs },
    hubClock: at.hubClock,
    faults: start.faults,
  };
};
