import type { Brand } from "./brand.ts";

/** Milliseconds since 1970-01-01T00:00:00Z, as the hub's wall clock has them. May jump. */
export type EpochMs = Brand<number, "EpochMs">;
/** A duration, or a reading of the monotonic clock, in milliseconds. Never jumps. */
export type Millis = Brand<number, "Millis">;

export const epochMs = (value: number): EpochMs => value as EpochMs;
export const millis = (value: number): Millis => value as Millis;
export const seconds = (value: number): Millis => millis(value * 1000);
export const minutes = (value: number): Millis => millis(value * 60_000);

const DAY_MS = 86_400_000;
/** The years that are written with four digits: 0000-01-01 to before 10000-01-01. */
const FIRST_DAY = -719_528;
const END_DAY = 2_932_897;
/** 0000-03-01 to 1970-01-01: counted from a first of March, the leap day is a year's last. */
const MARCH_DAYS = 719_468;
const ZERO = 48;

/** Whole division of a whole number from 0 to 2^31 - 1. */
const over = (value: number, by: number): number => (value / by) | 0;
const tens = (value: number): number => ZERO + over(value, 10);
const ones = (value: number): number => ZERO + (value % 10);

/**
 * `YYYY-MM-DDTHH:mm:ss.sssZ`; throws RangeError outside the years 0 to 275760. By arithmetic (the days of the Gregorian
 * calendar's 400 years), because Date.toISOString takes 1.3 us and a reading has three of them
 * (docs/decisions/2026-11-22-decode-speed.md).
 */
export const isoUtc = (at: EpochMs): string => {
  const whole = Math.trunc(at);
  const days = Math.floor(whole / DAY_MS);
  if (!(days >= FIRST_DAY && days < END_DAY)) return new Date(at).toISOString();
  const inDay = whole - days * DAY_MS;
  const marchDay = days + MARCH_DAYS + 146_097;
  const era = over(marchDay, 146_097);
  const dayOfEra = marchDay - era * 146_097;
  const yearOfEra = over(dayOfEra - over(dayOfEra, 1460) + over(dayOfEra, 36_524) - over(dayOfEra, 146_096), 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + over(yearOfEra, 4) - over(yearOfEra, 100));
  const marchMonth = over(5 * dayOfYear + 2, 153);
  const day = dayOfYear - over(153 * marchMonth + 2, 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = (era - 1) * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  const minuteOfDay = over(inDay, 60_000);
  const hour = over(minuteOfDay, 60);
  const minute = minuteOfDay - hour * 60;
  const milli = inDay - minuteOfDay * 60_000;
  const second = over(milli, 1000);
  const century = over(year, 100);
  // biome-ignore format: one part of the text a line
  return String.fromCharCode(
    tens(century), ones(century), tens(year % 100), ones(year), 45,
    tens(month), ones(month), 45,
    tens(day), ones(day), 84,
    tens(hour), ones(hour), 58,
    tens(minute), ones(minute), 58,
    tens(second), ones(second), 46,
    ZERO + over(milli % 1000, 100), tens(milli % 100), ones(milli), 90,
  );
};

const digit = (text: string, at: number): number => text.charCodeAt(at) - ZERO;
const pairAt = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1);

/**
 * What `isoUtc` was given, in whole milliseconds, of a text that it gave for a year of four digits. Of any other text a
 * meaningless number: times of readings are checked by the schema before they are stored.
 */
export const utcOfIso = (text: string): EpochMs => {
  const [month, day] = [pairAt(text, 5), pairAt(text, 8)];
  const year = pairAt(text, 0) * 100 + pairAt(text, 2) - (month > 2 ? 0 : 1) + 400;
  const era = over(year, 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = over(153 * (month > 2 ? month - 3 : month + 9) + 2, 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + over(yearOfEra, 4) - over(yearOfEra, 100) + dayOfYear;
  const days = (era - 1) * 146_097 + dayOfEra - MARCH_DAYS;
  const milli = digit(text, 20) * 100 + pairAt(text, 21);
  const minute = pairAt(text, 11) * 60 + pairAt(text, 14);
  return epochMs(days * DAY_MS + minute * 60_000 + pairAt(text, 17) * 1000 + milli);
};

/** How the hub's wall clock was kept when a stamp was taken (design protocol.md, time). */
export type HubClockState = "ntp" | "rtc" | "holdover" | "unset";

/**
 * When something reached the hub. `utc` is null while the clock is not trusted; `bootId` and `monoMs` order
 * arrivals of one boot whatever the wall clock did, and let a later trusted clock back-fill this boot's stamps.
 */
export interface Arrival {
  readonly utc: EpochMs | null;
  readonly bootId: string;
  readonly monoMs: Millis;
  readonly hubClock: { readonly state: HubClockState; readonly errorMs: number | null };
}
