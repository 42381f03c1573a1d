import { type DateTime, dateTimeFault, isFullDate } from "../decode/date-time.ts";

/*
 * The civil time line: milliseconds that Date.UTC gives for the figures on a wall clock, whatever its zone. On it,
 * sensor clocks can be compared and shifted without knowing the zone.
 */

/** Null where the date is incomplete or no date of the calendar: rolling it over would be a guess. */
export const civilMs = (time: DateTime): number | null =>
  isFullDate(time) && dateTimeFault(time) === null
    ? Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second ?? 0)
    : null;

/** The figures at a point of the civil time line, in whole seconds. */
export const dateTimeOf = (ms: number): DateTime => {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
};

const CIVIL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/;

/** The point of `YYYY-MM-DDTHH:mm[:ss]`; null for anything else. */
export const civilMsOfText = (text: string): number | null => {
  if (!CIVIL.test(text)) return null;
  const ms = Date.parse(`${text}Z`);
  return Number.isNaN(ms) ? null : ms;
};
