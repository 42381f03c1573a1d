import { u8, u16 } from "./field.ts";

/**
 * Date and time as the parts that a sensor sent, unchecked and without zone. Year, month or day 0 means "not known"
 * (Date Time characteristic, GATT specification supplement). `second` is null where the sensor's clock shows minutes.
 */
export interface DateTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number | null;
}

/** Length of the Date Time characteristic, 0x2A08. */
export const DATE_TIME_LENGTH = 7;

/** Date Time at an offset that the caller has checked. */
export const dateTimeAt = (bytes: Uint8Array, at: number): DateTime => ({
  year: u16(bytes, at),
  month: u8(bytes, at + 2),
  day: u8(bytes, at + 3),
  hour: u8(bytes, at + 4),
  minute: u8(bytes, at + 5),
  second: u8(bytes, at + 6),
});

const MONTH_DAYS: readonly number[] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const daysIn = (year: number, month: number): number => {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  // An unknown year may have been a leap year.
  return (MONTH_DAYS[month] ?? 31) + (month === 2 && (leap || year === 0) ? 1 : 0);
};

/**
 * The first part that no calendar has, or null. 0 in the date is allowed here (unknown); years are 1582 to 9999
 * (GATT specification supplement, Date Time); a second 60 is refused, sensors have no leap seconds.
 */
export const dateTimeFault = (time: DateTime): "year" | "month" | "day" | "hour" | "minute" | "second" | null => {
  if (time.year !== 0 && (time.year < 1582 || time.year > 9999)) return "year";
  if (time.month > 12) return "month";
  if (time.day > daysIn(time.year, time.month)) return "day";
  if (time.hour > 23) return "hour";
  if (time.minute > 59) return "minute";
  return time.second !== null && time.second > 59 ? "second" : null;
};

/** Year, month and day are all given. */
export const isFullDate = (time: DateTime): boolean => time.year !== 0 && time.month !== 0 && time.day !== 0;

const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));

/** At least two digits; a part that a sensor sent may be out of range. */
const two = (value: number): string => TWO_DIGITS[value] ?? String(value);
const four = (value: number): string => (value >= 1000 ? String(value) : String(value).padStart(4, "0"));

/** `HH:mm:ss`, or `HH:mm` where the sensor has no seconds. */
export const clockText = (time: DateTime): string =>
  time.second === null
    ? `${two(time.hour)}:${two(time.minute)}`
    : `${two(time.hour)}:${two(time.minute)}:${two(time.second)}`;

/** Every part as it was sent, `YYYY-MM-DDTHH:mm:ss`, with zeros for what is unknown. For the record, not for sums. */
export const rawTextOf = (time: DateTime): string =>
  `${four(time.year)}-${two(time.month)}-${two(time.day)}T${clockText(time)}`;

/** `YYYY-MM-DDTHH:mm[:ss]` of a complete and possible date and time; null for any other: never a guessed date. */
export const localOf = (time: DateTime): string | null =>
  isFullDate(time) && dateTimeFault(time) === null ? rawTextOf(time) : null;

/** Days since 1970-01-01 of a civil date, by the 400-year cycle of the Gregorian calendar. */
export const epochDay = (year: number, month: number, day: number): number => {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
};

/** 1 Monday to 7 Sunday, as in the Day of Week characteristic. 1970-01-01 was a Thursday. */
export const weekday = (time: DateTime): number => {
  const days = epochDay(time.year, time.month, time.day) + 3;
  return (((days % 7) + 7) % 7) + 1;
};

/** The date and time `minutes` later, or null where the given one is not complete and possible, or leaves 0..9999. */
export const plusMinutes = (time: DateTime, minutes: number): DateTime | null => {
  if (localOf(time) === null) return null;
  const total = epochDay(time.year, time.month, time.day) * 1440 + time.hour * 60 + time.minute + minutes;
  const moved = new Date(total * 60_000);
  const year = moved.getUTCFullYear();
  if (year < 1582 || year > 9999) return null;
  return {
    year,
    month: moved.getUTCMonth() + 1,
    day: moved.getUTCDate(),
    hour: moved.getUTCHours(),
    minute: moved.getUTCMinutes(),
    second: time.second,
  };
};
