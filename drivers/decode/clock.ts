import { type Decoded, decoded, malformed } from "../driver.ts";
import { bitNames } from "./bit-names.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt, dateTimeFault, isFullDate, weekday } from "./date-time.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/** Current Time, 0x2A2B (CTS 1.1 section 3.1). */
export interface CurrentTimeRecord {
  readonly time: DateTime;
  /** 1 Monday to 7 Sunday, 0 unknown. */
  readonly dayOfWeek: number;
  readonly fractions256: number;
  /** See `adjustReasons`. */
  readonly adjustReason: number;
  /** Whether the weekday is that of the date; null where one of them is not known. */
  readonly dayOfWeekConsistent: boolean | null;
}

const REASONS = ["manual", "externalReference", "timeZone", "dst"] as const;
export type AdjustReason = (typeof REASONS)[number];
export const adjustReasons = (raw: number): readonly AdjustReason[] => bitNames<AdjustReason>(raw, REASONS);

const CURRENT_TIME_LENGTH = 10;

/** Date Time, 0x2A08. A clock that no calendar has is malformed; parts that are 0 (unknown) are not. */
export const decodeDateTime = (bytes: Uint8Array): Decoded<DateTime> => {
  if (bytes.length < DATE_TIME_LENGTH) return tooShort("date time", DATE_TIME_LENGTH, bytes.length);
  if (bytes.length > DATE_TIME_LENGTH) return tooLong("date time", DATE_TIME_LENGTH, bytes.length);
  const time = dateTimeAt(bytes, 0);
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `date time: ${fault} out of range`);
};

export const decodeCurrentTime = (bytes: Uint8Array): Decoded<CurrentTimeRecord> => {
  if (bytes.length < CURRENT_TIME_LENGTH) return tooShort("current time", CURRENT_TIME_LENGTH, bytes.length);
  if (bytes.length > CURRENT_TIME_LENGTH) return tooLong("current time", CURRENT_TIME_LENGTH, bytes.length);
  const time = dateTimeAt(bytes, 0);
  const fault = dateTimeFault(time);
  if (fault !== null) return malformed("range", `current time: ${fault} out of range`);
  const dayOfWeek = u8(bytes, 7);
  if (dayOfWeek > 7) return malformed("range", `current time: day of week ${dayOfWeek}`);
  return decoded({
    time,
    dayOfWeek,
    fractions256: u8(bytes, 8),
    adjustReason: u8(bytes, 9),
    dayOfWeekConsistent: dayOfWeek === 0 || !isFullDate(time) ? null : weekday(time) === dayOfWeek,
  });
};
