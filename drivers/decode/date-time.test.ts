import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DateTime, dateTimeFault, epochDay, localOf, plusMinutes, rawTextOf, weekday } from "./date-time.ts";

const at = (year: number, month: number, day: number, hour = 0, minute = 0, second: number | null = 0): DateTime => ({
  year,
  month,
  day,
  hour,
  minute,
  second,
});

describe("date and time of a sensor", () => {
  it("has no local time without year, month or day", () => {
    expect(localOf(at(0, 4, 17, 20, 41, 59))).toBeNull();
    expect(localOf(at(2024, 0, 17))).toBeNull();
    expect(localOf(at(2024, 4, 0))).toBeNull();
    expect(localOf(at(2024, 4, 17, 20, 41, 59))).toBe("2024-04-17T20:41:59");
  });

  it("keeps what was sent as text, known or not", () => {
    expect(rawTextOf(at(0, 4, 17, 20, 41, 59))).toBe("0000-04-17T20:41:59");
    expect(rawTextOf(at(2018, 1, 1, 21, 14, null))).toBe("2018-01-01T21:14");
  });

  it.each([
    [at(1581, 1, 1), "year"],
    [at(10_000, 1, 1), "year"],
    [at(2024, 13, 1), "month"],
    [at(2023, 2, 29), "day"],
    [at(1900, 2, 29), "day"],
    [at(2024, 4, 31), "day"],
    [at(2024, 0, 32), "day"],
    [at(2024, 1, 1, 24), "hour"],
    [at(2024, 1, 1, 0, 60), "minute"],
    [at(2024, 1, 1, 0, 0, 60), "second"],
  ])("finds the part that no calendar has in %o", (time, part) => {
    expect(dateTimeFault(time)).toBe(part);
    expect(localOf(time)).toBeNull();
  });

  it.each([at(1582, 1, 1), at(9999, 12, 31, 23, 59, 59), at(2024, 2, 29), at(2000, 2, 29), at(0, 2, 29), at(0, 0, 0)])(
    "allows %o",
    (time) => {
      expect(dateTimeFault(time)).toBeNull();
    },
  );

  it("counts days and weekdays as the calendar of the platform does", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("1582-10-15"), max: new Date("9999-12-30"), noInvalidDate: true }),
        (date) => {
          const time = at(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
          expect(epochDay(time.year, time.month, time.day)).toBe(Math.floor(date.getTime() / 86_400_000));
          expect(weekday(time)).toBe(date.getUTCDay() === 0 ? 7 : date.getUTCDay());
        },
      ),
    );
  });

  it("moves by minutes across midnight, year and leap day, and keeps the seconds", () => {
    expect(plusMinutes(at(2024, 1, 30, 5, 58, 27), 339)).toEqual(at(2024, 1, 30, 11, 37, 27));
    expect(plusMinutes(at(2024, 2, 29, 0, 1, 5), -2)).toEqual(at(2024, 2, 28, 23, 59, 5));
    expect(plusMinutes(at(2023, 12, 31, 23, 59, null), 1)).toEqual(at(2024, 1, 1, 0, 0, null));
  });

  it("does not move what it does not know, nor out of the calendar", () => {
    expect(plusMinutes(at(0, 1, 1), 5)).toBeNull();
    expect(plusMinutes(at(2024, 2, 30), 5)).toBeNull();
    expect(plusMinutes(at(9999, 12, 31, 23, 59), 1)).toBeNull();
  });
});
