import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooShort, u8 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";
import { lineText } from "./line-text.ts";

/**
 * A line of an A&D scale in A&D standard format: header, data, unit, CR LF (EK-L series manual, section 9-2; GX-A/GF-A
 * Communication Manual, page 16). Indicators put gross, net or tare (AD-4329A manual, section 11.1.1) or the result of
 * a comparison (GC series manual, section 16.2) between header and data.
 */
export interface AndWeightRecord {
  /** ST stable, QT stable count, US unstable, OL out of range. */
  readonly header: "ST" | "QT" | "US" | "OL";
  readonly stable: boolean;
  readonly overload: boolean;
  /** GS gross, NT net, TR tare, PT preset tare; LO, OK, HI, -- comparison. */
  readonly second: string | null;
  /** In `unit`; null when out of range. */
  readonly value: MedicalFloat | null;
  /** As printed, without spaces. Empty only when out of range. */
  readonly unit: string;
}

/** Units of the manuals named above, as printed. */
const UNITS: ReadonlySet<string> = new Set([
  "g",
  "kg",
  "mg",
  "t",
  "PC",
  "%",
  "oz",
  "lb",
  "ozt",
  "ct",
  "mom",
  "dwt",
  "GN",
  "N",
  "tl",
  "DS",
]);

/** Header 2, comma, sign and data 9, unit 3: a line of the standard format whose terminator was cut off is still whole. */
const STANDARD_LENGTH = 15;

const SECOND = "(?:(GS|NT|TR|PT|G |N |T |LO|OK|HI|--),)?";
const LINE = new RegExp(
  `^(ST|QT|US|OL),${SECOND}([+-]) {0,8}(\\d{1,8})(?:\\.(\\d{0,7}))?(E[+-]\\d{2})?( {0,2}[A-Za-z%]{1,3})?$`,
);
/** Out of range: some indicators blank the digits, others fill them with 9. */
const BLANK = new RegExp(`^OL,${SECOND}[+-]?[ .]*([A-Za-z%]{1,3})?$`);

const terminated = (bytes: Uint8Array): boolean => {
  const last = u8(bytes, bytes.length - 1);
  return last === 0x0a || last === 0x0d;
};

export const decodeAndWeight = (bytes: Uint8Array): Decoded<AndWeightRecord> => {
  const line = lineText("A&D weight line", bytes);
  if (line.tag === "malformed") return line;
  const text = line.record;
  if (!terminated(bytes) && text.length !== STANDARD_LENGTH) {
    return tooShort("A&D weight line without CR LF", STANDARD_LENGTH, text.length);
  }
  const blank = BLANK.exec(text);
  const match = blank ?? LINE.exec(text);
  if (match === null) return malformed("format", "A&D weight line: not header, sign, digits and unit");
  if (blank !== null) {
    const [, second, unit = ""] = blank;
    return decoded({
      header: "OL",
      stable: false,
      overload: true,
      second: second?.trim() ?? null,
      value: null,
      unit,
    });
  }
  const [, header = "", second, sign, whole = "", fraction = "", exponent, unit = ""] = match;
  const overload = header === "OL";
  if (!overload && (exponent !== undefined || !UNITS.has(unit.trim()))) {
    return malformed("format", "A&D weight line: not a unit of the A&D standard format");
  }
  const digits = Number(`${whole}${fraction}`);
  return decoded({
    header: header as AndWeightRecord["header"],
    stable: header === "ST" || header === "QT",
    overload,
    second: second?.trim() ?? null,
    value: overload ? null : decimal(sign === "-" ? -digits : digits, fraction.length),
    unit: unit.trim(),
  });
};
