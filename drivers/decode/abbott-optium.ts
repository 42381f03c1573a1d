import { type Decoded, decoded, malformed } from "../driver.ts";
import { type DateTime, dateTimeFault } from "./date-time.ts";
import { lineText } from "./line-text.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Clock:` TAB `Apr  22 2014` TAB `02:14:37` (protocols.glucometers.tech, FreeStyle Optium, as glucometerutils has it). */
const CLOCK = /^Clock:\t([A-Z][a-z]{2}) {2}(\d{2}) (\d{4})\t(\d{2}):(\d{2}):(\d{2})$/;

/** Clock line of an Abbott FreeStyle Optium. */
export const decodeOptiumClock = (bytes: Uint8Array): Decoded<DateTime> => {
  const line = lineText("Optium clock line", bytes);
  if (line.tag === "malformed") return line;
  const match = CLOCK.exec(line.record);
  const month = MONTHS.indexOf(match?.[1] ?? "") + 1;
  if (match === null || month === 0) return malformed("format", "Optium clock line: not month, day, year and time");
  const [day = 0, year = 0, hour = 0, minute = 0, second = 0] = match.slice(2).map(Number);
  const time: DateTime = { year, month, day, hour, minute, second };
  const fault = dateTimeFault(time);
  return fault === null ? decoded(time) : malformed("range", `Optium clock line: ${fault} out of range`);
};
