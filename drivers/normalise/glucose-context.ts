import { codeOf } from "../../protocol/codes.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type MedicalFloat, shifted } from "../decode/float.ts";
import type { GlucoseContextRecord } from "../decode/glucose-context.ts";

/** Meal, from 1 (GLS 1.0.1 section 3.2.1.5). */
const MEALS: readonly number[] = [
  codeOf("glucose.context.meal_preprandial"),
  codeOf("glucose.context.meal_postprandial"),
  codeOf("glucose.context.meal_fasting"),
  codeOf("glucose.context.meal_casual"),
  codeOf("glucose.context.meal_bedtime"),
].map(({ mdc }) => mdc);

/** Each from 1 (GLS 1.0.1 section 3.2.1): without a checked code, so in words. */
const CARBOHYDRATES = ["breakfast", "lunch", "dinner", "snack", "drink", "supper", "brunch"];
const TESTERS = ["self", "health-care-professional", "laboratory"];
const HEALTH = ["minor-issues", "major-issues", "menses", "stress", "no-issues"];
const MEDICATIONS = ["rapid-acting", "short-acting", "intermediate-acting", "long-acting", "pre-mixed"];

/** "Overrun": longer than the field can say. */
const EXERCISE_OVERRUN = 0xffff;

type Context = DraftReading["context"];

const word = (key: string, words: readonly string[], id: number | null): Context => {
  const found = id === null ? undefined : words[id - 1];
  return found === undefined ? {} : { [key]: found };
};

const number = (key: string, float: MedicalFloat | null): Context =>
  float?.tag === "number" ? { [key]: float.value } : {};

/** kg as mg, L as mL. */
const medicationOf = ({ medication, medicationUnit }: GlucoseContextRecord): Context => {
  if (medication === null) return {};
  return medicationUnit === "kg"
    ? number("medicationMg", shifted(medication, 6))
    : number("medicationMl", shifted(medication, 3));
};

/** What surrounds a glucose measurement; what is reserved, unknown or special is left out. */
export const glucoseContext = (record: GlucoseContextRecord): Context => {
  const meal = record.meal === null ? undefined : MEALS[record.meal - 1];
  const duration = record.exerciseDurationS;
  return {
    ...(meal === undefined ? {} : { meal }),
    ...word("carbohydrate", CARBOHYDRATES, record.carbohydrateId),
    ...(record.carbohydrateKg === null ? {} : number("carbohydrateG", shifted(record.carbohydrateKg, 3))),
    ...word("tester", TESTERS, record.tester),
    ...word("health", HEALTH, record.health),
    ...(duration === null || duration === EXERCISE_OVERRUN ? {} : { exerciseS: duration }),
    ...(record.exerciseIntensityPercent === null ? {} : { exercisePercent: record.exerciseIntensityPercent }),
    ...word("medication", MEDICATIONS, record.medicationId),
    ...medicationOf(record),
    ...number("hba1cPercent", record.hba1cPercent),
  };
};

/** A meal that the specification reserves. */
export const isReservedMeal = ({ meal }: GlucoseContextRecord): boolean =>
  meal !== null && MEALS[meal - 1] === undefined;
