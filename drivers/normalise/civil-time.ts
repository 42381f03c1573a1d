import { type DateTime, dateTimeFault, epochDay, isFullDate } from "../decode/date-time.ts";

/*
 * The civil time line: milliseconds that Date.UTC gives for the figures on a wall clock, whatever its zone. On it,
 * sensor clocks can be compared and shifted without knowing the zone.
 */

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

/** Null where the date is incomplete or no date of the calendar: rolling it over would be a guess. */
export const civilMs = (time: DateTime): number | null => {
  if (!isFullDate(time) || dateTimeFault(time) !== null) return null;
  const { year, month, day, hour, minute, second } = time;
  return epochDay(year, month, day) * DAY + hour * HOUR + minute * MINUTE + (second ?? 0) * SECOND;
};

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

const ZERO = 48;
const [DASH, COLON, TEE] = ["-", ":", "T"].map((sign) => sign.charCodeAt(0)) as [number, number, number];

/** The number of the digits from `at`; NaN where one of them is none, or the text ends. */
const digitsAt = (text: string, at: number, count: number): number => {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
};

/** The parts of `YYYY-MM-DDTHH:mm[:ss]`, unchecked against any calendar; null for a text of another form. */
export const dateTimeOfText = (text: string): DateTime | null => {
  const hasSeconds = text.length === 19;
  const isFormed =
    (hasSeconds || text.length === 16) &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === TEE &&
    text.charCodeAt(13) === COLON &&
    (!hasSeconds || text.charCodeAt(16) === COLON);
  if (!isFormed) return null;
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2)];
  const [hour, minute] = [digitsAt(text, 11, 2), digitsAt(text, 14, 2)];
  const second = hasSeconds ? digitsAt(text, 17, 2) : null;
  return Number.isNaN(year + month + day + hour + minute + (second ?? 0))
    ? null
    : { year, month, day, hour, minute, second };
};

/** The point of `YYYY-MM-DDTHH:mm[:ss]`; null for anything else, and for what no calendar has. */
export const civilMsOfText = (text: string): number | null => {
  const time = dateTimeOfText(text);
  return time === null ? null : civilMs(time);
};
