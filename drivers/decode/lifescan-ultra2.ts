import { type Decoded, decoded, malformed } from "../driver.ts";
import { type DateTime, dateTimeFault } from "./date-time.ts";
import { lineText } from "./line-text.ts";

/*
 * LifeScan OneTouch Ultra 2: ASCII lines, each with a space and four hex digits at its end, the sum of all octets
 * before that space modulo 65536 (LifeScan's protocol document, as tidepool-org/uploader and glucometerutils apply it).
 */

export type Ultra2Meal = "none" | "before" | "after";

export type Ultra2Record =
  | {
      readonly tag: "header";
      /** Readings that follow. */
      readonly count: number;
      readonly serial: string;
      readonly displayUnit: Ultra2Unit;
    }
  | {
      readonly tag: "reading";
      readonly time: DateTime;
      /** Always mg/dL, whatever the display shows. */
      readonly mgPerDl: number;
      /** Control solution, not blood. */
      readonly control: boolean;
      /** The meter's own memory check failed for this value. */
      readonly parityError: boolean;
      readonly meal: Ultra2Meal;
      /** 00 to 11, see `ultra2Comment`. */
      readonly comment: string;
    }
  | { readonly tag: "serial"; readonly serial: string }
  | { readonly tag: "version"; readonly version: string }
  | { readonly tag: "clock"; readonly time: DateTime }
  | { readonly tag: "unit"; readonly displayUnit: Ultra2Unit }
  | { readonly tag: "other"; readonly text: string };

export type Ultra2Unit = "MG/DL" | "MMOL/L";

const COMMENTS = [
  "none",
  "not-enough-food",
  "too-much-food",
  "mild-exercise",
  "hard-exercise",
  "medication",
  "stress",
  "illness",
  "feel-hypo",
  "menses",
  "vacation",
  "other",
] as const;

export const ultra2Comment = (comment: string): (typeof COMMENTS)[number] => COMMENTS[Number(comment)] ?? "other";

const WHAT = "Ultra 2 line";
const MEALS: Readonly<Record<string, Ultra2Meal>> = { N: "none", B: "before", A: "after" };

const CHECKED = /^(.+) ([0-9A-F]{4})$/;
const HEADER = /^P (\d{3}),"([0-9A-Z]{9})","(MG\/DL|MMOL\/L) ?"$/;
const READING =
  /^P "[A-Z]{3}","(\d{2}\/\d{2}\/\d{2})","(\d{2}:\d{2}:\d{2}) {3}","([C ]) (\d{3})([? ])","([NBA])","(0\d|1[01])", \d{2}$/;
const CLOCK = /^[FT] "[A-Z]{3}","(\d{2}\/\d{2}\/\d{2})","(\d{2}:\d{2}:\d{2}) {3}"$/;
const SERIAL = /^@ "([^"]*)"$/;
const UNIT = /^SU\?,"(MG\/DL|MMOL\/L) ?"$/;

/** The meter sends two digits of the year, month first. */
const timeOf = (date: string, clock: string): Decoded<DateTime> => {
  const [month = 0, day = 0, year = 0] = date.split("/").map(Number);
  const [hour = 0, minute = 0, second = 0] = clock.split(":").map(Number);
  const time: DateTime = { year: 2000 + year, month, day, hour, minute, second };
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `${WHAT}: ${fault} out of range`);
};

const sumOf = (text: string): number => {
  let sum = 0;
  for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at);
  return sum & 0xffff;
};

const recordOf = (text: string): Decoded<Ultra2Record> => {
  const header = HEADER.exec(text);
  if (header !== null) {
    const [, count = "", serial = "", unit = ""] = header;
    return decoded({ tag: "header", count: Number(count), serial, displayUnit: unit as Ultra2Unit });
  }
  const reading = READING.exec(text);
  if (reading !== null) {
    const [, date = "", clock = "", control, value = "", parity, meal = "", comment = ""] = reading;
    const time = timeOf(date, clock);
    if (time.tag === "malformed") return time;
    return decoded({
      tag: "reading",
      time: time.record,
      mgPerDl: Number(value),
      control: control === "C",
      parityError: parity === "?",
      meal: MEALS[meal] ?? "none",
      comment,
    });
  }
  const clock = CLOCK.exec(text);
  if (clock !== null) {
    const time = timeOf(clock[1] ?? "", clock[2] ?? "");
    return time.tag === "ok" ? decoded({ tag: "clock", time: time.record }) : time;
  }
  const serial = SERIAL.exec(text)?.[1];
  if (serial !== undefined) {
    // The last letter tells the model: Y is the Ultra 2.
    return /^[A-Z0-9]{8}Y$/.test(serial)
      ? decoded({ tag: "serial", serial })
      : malformed("format", `${WHAT}: the serial number is not that of an Ultra 2`);
  }
  if (text.startsWith("?")) return decoded({ tag: "version", version: text.slice(1).trim() });
  const unit = UNIT.exec(text)?.[1];
  if (unit !== undefined) return decoded({ tag: "unit", displayUnit: unit as Ultra2Unit });
  if (text.startsWith("P")) return malformed("format", `${WHAT}: neither header nor reading`);
  return decoded({ tag: "other", text });
};

export const decodeUltra2Line = (bytes: Uint8Array): Decoded<Ultra2Record> => {
  const line = lineText(WHAT, bytes);
  if (line.tag === "malformed") return line;
  const match = CHECKED.exec(line.record);
  if (match === null) return malformed("format", `${WHAT}: no checksum of four hex digits at the end`);
  const [, text = "", sum = ""] = match;
  if (sumOf(text) !== Number.parseInt(sum, 16)) {
    return malformed("checksum", `${WHAT}: the four hex digits are not the sum of the octets before them`);
  }
  return recordOf(text);
};
