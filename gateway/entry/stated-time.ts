import type { DateTime } from "../../drivers/decode/date-time.ts";
import { civilMs } from "../../drivers/normalise/civil-time.ts";
import type { Zone } from "../../drivers/normalise/zone.ts";
import { HubError } from "../../protocol/errors.ts";
import type { ReadingTime, TimeFault } from "../../protocol/reading.ts";
import { type Arrival, epochMs, isoUtc, minutes } from "../../protocol/time.ts";

/** People round the time they remember to five minutes, and their watch is not the hub's. */
const STATED_WITHIN = minutes(5);

/** Without a stated time: from the display through pencil and paper to the hub. */
const ENTERED_WITHIN = minutes(15);

/** A watch that is ahead of the hub by this much still shows "now". */
const AHEAD = minutes(2);

const DAY_MS = 86_400_000;

/** A time as old as this is shown back with its age: the day or the month may be mistaken. */
export const OLD = 7 * DAY_MS;

/** A wrong year. */
const OLDEST = 366 * DAY_MS;

const STATED = /^(?:(\d{4})-(\d{2})-(\d{2})T)?(\d{2}):(\d{2})(?:(Z)|([+-])(\d{2}):(\d{2}))?$/;

const HOW = "give it as 2026-11-22T08:15 or, of today, 08:15";

const wrong = (found: string, next: string): HubError => new HubError("invalid-argument", `at: ${found}; ${next}`);

const offsetOf = (parts: readonly (string | undefined)[]): number | null => {
  const [utc, sign, hours, mins] = parts;
  if (utc !== undefined) return 0;
  if (sign === undefined) return null;
  const size = Number(hours) * 60 + Number(mins);
  return sign === "-" ? -size : size;
};

/** A time of measurement that somebody stated. */
export interface StatedTime {
  readonly utcMs: number;
  readonly text: string;
  readonly offsetMin: number | null;
  readonly uncertaintyMs: number;
  readonly faults: readonly TimeFault[];
}

/**
 * What `YYYY-MM-DDTHH:mm` means in the home's zone; `HH:mm` is of today, and an offset (`+01:00`, `Z`) may follow. In the
 * hour that occurs twice the one that is not in the future, else the first, with an hour of uncertainty and `dst-fold`.
 * Throws HubError `invalid-argument` for what is no time, was skipped when clocks were turned, lies in the future or more than a year back.
 */
export const statedTime = (text: string, zone: Zone, at: Arrival): StatedTime => {
  const match = STATED.exec(text);
  if (match === null) throw wrong("is no time", HOW);
  const [, year, month, day, hour, minute, ...zoned] = match;
  const offsetMin = offsetOf(zoned);
  if (year === undefined && at.utc === null) {
    throw wrong("the hub does not know what day it is", "give the date too, such as 2026-11-22T08:15");
  }
  const today = new Date((at.utc ?? 0) + (offsetMin === null ? zone.offsetAt(at.utc ?? 0) : offsetMin * 60_000));
  const civil: DateTime = {
    year: year === undefined ? today.getUTCFullYear() : Number(year),
    month: month === undefined ? today.getUTCMonth() + 1 : Number(month),
    day: day === undefined ? today.getUTCDate() : Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: null,
  };
  const ms = civilMs(civil);
  if (ms === null || Math.abs(offsetMin ?? 0) > 14 * 60) throw wrong("is no time of the calendar", HOW);
  const latest = at.utc === null ? Number.POSITIVE_INFINITY : at.utc + AHEAD + (at.hubClock.errorMs ?? 0);
  const refuseUnlessPast = (utcMs: number): void => {
    if (utcMs > latest) throw wrong("is in the future", "give the time of the measurement");
    if (at.utc !== null && at.utc - utcMs > OLDEST) throw wrong("is more than a year ago", "correct the year");
  };
  const raw = { text, offsetMin };

  if (offsetMin !== null) {
    const utcMs = ms - offsetMin * 60_000;
    refuseUnlessPast(utcMs);
    return { ...raw, utcMs, uncertaintyMs: STATED_WITHIN, faults: [] };
  }
  const { earlier, later, skipped } = zone.instantOf(ms);
  if (skipped) throw wrong("was skipped when clocks were turned forward", "give the time that a clock showed");
  refuseUnlessPast(earlier);
  const isTwice = later !== null && later <= latest;
  return {
    ...raw,
    utcMs: earlier,
    uncertaintyMs: isTwice ? STATED_WITHIN + later - earlier : STATED_WITHIN,
    faults: isTwice ? ["dst-fold"] : [],
  };
};

/** When something was measured, without how the entry reached the hub. */
export type MeasuredTime = Pick<ReadingTime, "start" | "uncertaintyMs" | "basis" | "deviceRaw" | "faults">;

const iso = (utc: number | null): string | null => (utc === null ? null : isoUtc(epochMs(utc)));

const measuredAt = (stated: StatedTime | null, at: Arrival): MeasuredTime => {
  if (stated !== null) {
    const { utcMs, text, offsetMin, uncertaintyMs, faults } = stated;
    return { start: iso(utcMs), uncertaintyMs, basis: "stated", deviceRaw: { text, offsetMin }, faults };
  }
  const isKnown = at.utc !== null;
  return {
    start: iso(at.utc),
    uncertaintyMs: isKnown && at.hubClock.errorMs !== null ? ENTERED_WITHIN + at.hubClock.errorMs : null,
    basis: isKnown ? "reception" : "unknown",
    deviceRaw: null,
    faults: [],
  };
};

/**
 * The time of a manual reading. Stated: basis `stated`, and `deviceRaw` holds what was said. Not stated: that of the
 * reading that it puts right, else the time of entry, basis `reception`; unknown while the hub's clock is not set.
 */
export const entryTime = (stated: StatedTime | null, before: MeasuredTime | null, at: Arrival): ReadingTime => {
  const { start, uncertaintyMs, basis, deviceRaw, faults } =
    stated === null && before !== null ? before : measuredAt(stated, at);
  return {
    start,
    end: null,
    uncertaintyMs,
    basis,
    deviceRaw,
    coincident: null,
    received: { utc: iso(at.utc), bootId: at.bootId, monoMs: at.monoMs },
    hubClock: at.hubClock,
    faults,
  };
};
