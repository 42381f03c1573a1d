import { type DateTime, dateTimeFault } from "../decode/date-time.ts";
import { lineText } from "../decode/line-text.ts";
import { type Decoded, decoded, malformed } from "../driver.ts";

/*
 * The answer to `$xmem` of an Abbott FreeStyle Optium (glucometer-protocols, abbott/freestyle-optium): an empty line,
 * number, version, clock, number of results, the results, checksum. The meaning of the last octet of a result is that of
 * the Tidepool uploader (abbottPrecisionXtra.js).
 */

export interface OptiumRecord {
  readonly time: DateTime;
  readonly value: number | "high" | "low";
  /** Glucose, or ketone, whose unit nobody knows. */
  readonly kind: "glucose" | "ketone";
  readonly control: boolean;
  /** The meter had lost its time. */
  readonly isTimeLost: boolean;
}

export interface OptiumMemory {
  readonly serial: string;
  readonly clock: DateTime;
  /** Lines of results as they came, with their ends. */
  readonly results: readonly Uint8Array[];
}

const MONTHS = ["Jan ", "Feb ", "Mar ", "Apr ", "May ", "June", "July", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "];
/** June and July stand in full, the others in three letters and a space. */
const DATE = "([A-Z][a-z]{2}[a-z ]) (\\d{2}) (\\d{4}) (\\d{2}):(\\d{2})";
const CLOCK = new RegExp(`^${DATE}:(\\d{2})$`);
const RESULT = new RegExp(`^(\\d{3}|HI |LO )  ${DATE} ([GK]) 0x0([0-3])$`);
const SERIAL = /^[A-Z0-9]{7}-[A-Z0-9]{5}$/;
const COUNT = /^(\d{3}|Log Empty)$/;
const END = /^0x([0-9A-F]{4}) {2}END$/;
/** Lines around the results: number, version, clock and count before them, checksum after. */
const LINES_BEFORE = 4;
/** CR and LF of the empty line at the beginning, which a framer of lines drops. */
const EMPTY_LINE = 0x0d + 0x0a;

const CONTROL = 1;
const TIME_LOST = 2;

const WHAT = "Optium memory";

const timeOf = (parts: readonly string[]): Decoded<DateTime> => {
  const [name = "", ...figures] = parts;
  const [day = 0, year = 0, hour = 0, minute = 0, second] = figures.map(Number);
  const time = { year, month: MONTHS.indexOf(name) + 1, day, hour, minute, second: second ?? null };
  if (time.month === 0) return malformed("format", `${WHAT}: no month`);
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `${WHAT}: ${fault} out of range`);
};

/** True for the line that ends the memory. */
export const isOptiumEnd = (line: Uint8Array): boolean => {
  const text = lineText(WHAT, line);
  return text.tag === "ok" && END.test(text.record);
};

const sumOf = (lines: readonly Uint8Array[]): number => {
  let sum = EMPTY_LINE;
  for (const line of lines) for (const octet of line) sum += octet;
  return sum & 0xffff;
};

/** All lines of an answer to `$xmem` but the empty one, each with its end. */
export const decodeOptiumMemory = (lines: readonly Uint8Array[]): Decoded<OptiumMemory> => {
  const texts = lines.map((line) => {
    const text = lineText(WHAT, line);
    return text.tag === "ok" ? text.record : "";
  });
  const [, sum] = END.exec(texts.at(-1) ?? "") ?? [];
  if (sum === undefined) return malformed("truncated", `${WHAT}: no END`);
  if (Number.parseInt(sum, 16) !== sumOf(lines.slice(0, -1))) {
    return malformed("checksum", `${WHAT}: the four hex digits are not the sum of the octets before them`);
  }
  const [serial = "", , clock = "", count = ""] = texts;
  const time = timeOf((CLOCK.exec(clock) ?? []).slice(1));
  if (time.tag === "malformed") return time;
  const results = lines.slice(LINES_BEFORE, -1);
  const told = COUNT.exec(count)?.[1];
  const isCounted = told !== undefined && (told === "Log Empty" ? 0 : Number(told)) === results.length;
  if (!SERIAL.test(serial) || !isCounted) return malformed("format", `${WHAT}: number or count is not as it should be`);
  return decoded({ serial, clock: time.record, results });
};

/** One line: `105  June 15 2026 17:17 G 0x00`. */
export const decodeOptiumResult = (line: Uint8Array): Decoded<OptiumRecord> => {
  const text = lineText("Optium result", line);
  if (text.tag === "malformed") return text;
  const match = RESULT.exec(text.record);
  if (match === null) return malformed("format", "Optium result: not value, time, kind and marks");
  const [, value = "", ...rest] = match;
  const time = timeOf(rest.slice(0, 5));
  if (time.tag === "malformed") return time;
  const marks = Number(rest[6]);
  return decoded({
    time: time.record,
    value: value === "HI " ? "high" : value === "LO " ? "low" : Number(value),
    kind: rest[5] === "K" ? "ketone" : "glucose",
    control: (marks & CONTROL) !== 0,
    isTimeLost: (marks & TIME_LOST) !== 0,
  });
};
