import type { Code } from "../../protocol/codes.ts";
import type { AbsentReason, ReadingValue } from "../../protocol/reading.ts";
import { decimal, type MedicalFloat, type SpecialValue } from "../decode/float.ts";

/** FHIR dataAbsentReason of what a sensor sends instead of a number (HL7 PHD IG, FLOATS: NRes and reserved are errors). */
const ABSENT: Readonly<Record<SpecialValue, AbsentReason>> = {
  "not-a-number": "not-a-number",
  "positive-infinity": "positive-infinity",
  "negative-infinity": "negative-infinity",
  nres: "error",
  reserved: "error",
};

export const absentValue = (code: Code, absent: AbsentReason): ReadingValue => ({
  mdc: code.mdc,
  name: code.name,
  value: null,
  absent,
});

/** A value in the precision that the sensor sent; a special value becomes absent, never a number. */
export const measured = (code: Code, float: MedicalFloat, unit: string): ReadingValue =>
  float.tag === "number"
    ? { mdc: code.mdc, name: code.name, value: float.value, decimals: float.decimals, unit }
    : absentValue(code, ABSENT[float.special]);

/** A whole number, or `missing` where the sensor has none. */
export const wholeOf = (code: Code, value: number | null, unit: string, missing: AbsentReason): ReadingValue =>
  value === null ? absentValue(code, missing) : { mdc: code.mdc, name: code.name, value, decimals: 0, unit };

/** The same number in a unit 10^`places` larger, exactly: 81 650 g with 3 places is 81.650 kg. */
export const inLargerUnit = (float: MedicalFloat, places: number): MedicalFloat =>
  float.tag === "special" ? float : decimal(Math.round(float.value * 10 ** float.decimals), float.decimals + places);
