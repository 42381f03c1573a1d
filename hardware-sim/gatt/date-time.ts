import { type FieldReader, le16 } from "../radio/little-endian.ts";

/** What a sensor shows on its clock: local time without a zone. */
export interface LocalDateTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `YYYY-MM-DDTHH:mm:ss`. */
export const localText = (at: LocalDateTime): string =>
  `${String(at.year).padStart(4, "0")}-${two(at.month)}-${two(at.day)}T${two(at.hours)}:${two(at.minutes)}:${two(at.seconds)}`;

/** Date Time, characteristic 2A08: seven octets. */
export const dateTime = (at: LocalDateTime): readonly number[] => [
  ...le16(at.year),
  at.month,
  at.day,
  at.hours,
  at.minutes,
  at.seconds,
];

/** Throws RangeError where the octets end early. */
export const readDateTime = (fields: FieldReader): LocalDateTime => ({
  year: fields.u16(),
  month: fields.u8(),
  day: fields.u8(),
  hours: fields.u8(),
  minutes: fields.u8(),
  seconds: fields.u8(),
});

/** Local time as milliseconds on a calendar without zones, so that it can be shifted. */
export const localMs = (at: LocalDateTime): number =>
  Date.UTC(at.year, at.month - 1, at.day, at.hours, at.minutes, at.seconds);

export const localFromMs = (ms: number): LocalDateTime => {
  const date = new Date(ms);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hours: date.getUTCHours(),
    minutes: date.getUTCMinutes(),
    seconds: date.getUTCSeconds(),
  };
};

/** Monday 1 to Sunday 7 (Day of Week, characteristic 2A09). */
export const dayOfWeek = (at: LocalDateTime): number => ((new Date(localMs(at)).getUTCDay() + 6) % 7) + 1;

/** Current Time, characteristic 2A2B: date, day of week, 1/256 s, adjust reason. */
export const currentTime = (ms: number): readonly number[] => {
  const at = localFromMs(ms);
  return [...dateTime(at), dayOfWeek(at), Math.floor(((ms % 1000) * 256) / 1000), 0];
};
