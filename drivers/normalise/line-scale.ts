import { codeOf } from "../../protocol/codes.ts";
import type { ReadingValue } from "../../protocol/reading.ts";
import type { AndWeightRecord } from "../decode/aandd-line.ts";
import type { MedicalFloat } from "../decode/float.ts";
import type { TanitaRecord } from "../decode/tanita-line.ts";
import { absentValue, inLargerUnit, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const WEIGHT = codeOf("body-weight");
const HEIGHT = codeOf("body-height");
const BMI = codeOf("bmi");
const FAT = codeOf("body-fat");

/** Weight of a line in a unit that readings have: grams become kilograms by moving the point. Null for no mass. */
export const massOfLine = (value: MedicalFloat, unit: string): { value: MedicalFloat; unit: string } | null => {
  if (unit === "kg") return { value, unit: "kg" };
  if (unit === "g") return { value: inLargerUnit(value, 3), unit: "kg" };
  return unit === "lb" ? { value, unit: "[lb_av]" } : null;
};

const scaleReading = (kind: Measurement["kind"], values: readonly ReadingValue[]): Measurement => ({
  kind,
  status: values[0]?.value === null ? "not-performed" : "final",
  values,
  supplemental: [],
  context: {},
  flags: [],
  quality: [],
  time: null,
});

/** A weight line of an A&D scale. Which lines are readings is for the session to say. */
export const andWeight = (record: AndWeightRecord): Measurement => {
  const mass = record.value === null ? null : massOfLine(record.value, record.unit);
  return scaleReading("body-weight", [
    mass === null ? absentValue(WEIGHT, "error") : measured(WEIGHT, mass.value, mass.unit),
  ]);
};

/**
 * A line of a Tanita scale. Muscle, bone, water, impedance and ratings have no code in the checked table: they stay in
 * the raw bytes. Model and serial number come with the line.
 */
export const tanitaMeasurement = (record: TanitaRecord): Measurement => {
  const { bodyFatPercent, bmi, heightCm, model, serial } = record;
  const values = [measured(WEIGHT, record.weight, record.massUnit)];
  if (bodyFatPercent !== null) values.push(measured(FAT, bodyFatPercent, "%"));
  if (bmi !== null) values.push(measured(BMI, bmi, "kg/m2"));
  if (heightCm !== null) values.push(measured(HEIGHT, heightCm, "cm"));
  return {
    ...scaleReading(bodyFatPercent === null ? "body-weight" : "body-composition", values),
    device: { ...(model === null ? {} : { model }), ...(serial === null ? {} : { serial }) },
  };
};
