import type { TimeFault } from "../../protocol/reading.ts";
import { dateTimeOf } from "./civil-time.ts";

/** Bluetooth Low Energy was adopted on 2010-06-30 (Core 4.0): a stamp before it is a clock that lost its time. */
export const EARLIEST = Date.UTC(2010, 5, 30);
const DAY = 86_400_000;
/** A stamp on 1 January this long ago is a clock that started again, not a record kept in memory for a year. */
const LONG_AGO = 366 * DAY;

/**
 * How a stamp shows that its clock started again somewhere, on the civil time line: it lies before the sensor was made,
 * or on the date at which clocks of its kind begin. Null: it does not. `hubUtc` null: the hub does not know the time.
 */
export const lostClockFault = (civil: number, hubUtc: number | null, madeMs: number | null): TimeFault | null => {
  if (civil < EARLIEST) return "factory-date";
  if (madeMs !== null && civil < madeMs) return "before-manufacture";
  if (hubUtc === null || hubUtc - civil <= LONG_AGO) return null;
  const { month, day } = dateTimeOf(civil);
  return month === 1 && day === 1 ? "factory-date" : null;
};
