import type { GlucoseTest } from "./glucose-result.ts";
import { ascii, localParts, padded } from "./local-parts.ts";

/**
 * LifeScan OneTouch Ultra2, ASCII lines. LifeScan published the protocol ("OneTouch Ultra2 Meter Communication
 * Protocol"); the facts here are those on which glucometerutils (drivers/otultra2.py) and the Tidepool uploader
 * (lib/drivers/onetouch/oneTouchUltra2.js) agree. A line is text, a space, the sum of the text's bytes modulo 2^16 as
 * four capital hexadecimal digits, CR LF.
 */
export const ultra2Line = (text: string): Uint8Array => {
  const sum = ascii(text).reduce((total, byte) => (total + byte) & 0xffff, 0);
  return ascii(`${text} ${sum.toString(16).toUpperCase().padStart(4, "0")}\r\n`);
};

const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] as const;
const MOST_MG_PER_DL = 999;

/** `"SAT","03/21/15","16:42:11   "`: day of the week, month, day, two digits of the year, 24 hours. */
export const ultra2Time = (ms: number): string => {
  const { year, month, day, hour, minute, second, weekday } = localParts(ms);
  const date = `${padded(month)}/${padded(day)}/${padded(year % 100)}`;
  return `"${WEEKDAYS[weekday]}","${date}","${padded(hour)}:${padded(minute)}:${padded(second)}   "`;
};

/** A comment that the patient chose, 0 (none) to 11. */
export interface Ultra2Test extends GlucoseTest {
  readonly comment?: number;
}

export type Ultra2Unit = "mg/dL" | "mmol/L";

const UNIT_TEXT: Readonly<Record<Ultra2Unit, string>> = { "mg/dL": "MG/DL ", "mmol/L": "MMOL/L" };

/** How the meter shows values; the dump is in mg/dL all the same. */
export const ultra2UnitText = (unit: Ultra2Unit): string => `"${UNIT_TEXT[unit]}"`;

/** First line of a dump. */
export const ultra2Header = (count: number, serial: string, unit: Ultra2Unit): Uint8Array =>
  ultra2Line(`P ${padded(count, 3)},"${serial}",${ultra2UnitText(unit)}`);

const mealLetter = (meal: GlucoseTest["meal"]): string => {
  if (meal === undefined) return "N";
  return meal === "before" ? "B" : "A";
};

/** One record of a dump: time, `C` for control solution, value, meal, comment. */
export const ultra2Record = ({ mgPerDl, meal, control, comment = 0 }: Ultra2Test, shownMs: number): Uint8Array => {
  if (mgPerDl < 0 || mgPerDl > MOST_MG_PER_DL) throw new RangeError(`Ultra2: ${mgPerDl} mg/dL has more than 3 digits`);
  const result = `"${control === true ? "C" : " "} ${padded(mgPerDl, 3)} "`;
  return ultra2Line(`P ${ultra2Time(shownMs)},${result},"${mealLetter(meal)}","${padded(comment)}", 00`);
};
