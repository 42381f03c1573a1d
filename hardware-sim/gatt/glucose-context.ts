import { le16, octets } from "../radio/little-endian.ts";
import { type Quantity, sfloat } from "./medical-float.ts";

/** Each from 1 in this order (Glucose Service 1.0.1, 3.2). */
const CARBOHYDRATES = ["breakfast", "lunch", "dinner", "snack", "drink", "supper", "brunch"] as const;
const MEALS = ["before", "after", "fasting", "casual", "bedtime"] as const;
const TESTERS = ["self", "professional", "laboratory"] as const;
const HEALTH = ["minor", "major", "during-menses", "under-stress", "no-issues"] as const;
const MEDICATIONS = ["rapid", "short", "intermediate", "long", "pre-mixed"] as const;
const UNAVAILABLE = 15;

export interface GlucoseContext {
  /** Carbohydrates in kilograms. */
  readonly carbohydrate?: { readonly of: (typeof CARBOHYDRATES)[number]; readonly kilograms: Quantity };
  /** A number goes out as it is: CareSens marks a ketone record by the reserved value 6. */
  readonly meal?: (typeof MEALS)[number] | number;
  readonly tester?: {
    readonly by: (typeof TESTERS)[number] | "unavailable";
    readonly health: (typeof HEALTH)[number] | "unavailable";
  };
  /** Seconds (65535: overrun) and percent of the utmost. */
  readonly exercise?: { readonly seconds: number; readonly percent: number };
  readonly medication?: {
    readonly of: (typeof MEDICATIONS)[number];
    readonly amount: Quantity;
    readonly unit: "kg" | "L";
  };
  readonly hba1cPercent?: Quantity;
  /** The octet that is reserved for further flags. */
  readonly extendedFlags?: number;
}

const FLAG = {
  CARBOHYDRATE: 0x01,
  MEAL: 0x02,
  TESTER: 0x04,
  EXERCISE: 0x08,
  MEDICATION: 0x10,
  LITRES: 0x20,
  HBA1C: 0x40,
  EXTENDED: 0x80,
} as const;

const place = <T extends string>(list: readonly T[], one: T | "unavailable"): number =>
  one === "unavailable" ? UNAVAILABLE : list.indexOf(one) + 1;

const mealOctet = (meal: (typeof MEALS)[number] | number): number =>
  typeof meal === "number" ? meal : MEALS.indexOf(meal) + 1;

/** Glucose Measurement Context, characteristic 2A34. The sequence number is that of its measurement. */
export const glucoseContext = (context: GlucoseContext, sequence: number): Uint8Array => {
  const { carbohydrate, meal, tester, exercise, medication, hba1cPercent, extendedFlags } = context;
  return octets(
    (carbohydrate === undefined ? 0 : FLAG.CARBOHYDRATE) |
      (meal === undefined ? 0 : FLAG.MEAL) |
      (tester === undefined ? 0 : FLAG.TESTER) |
      (exercise === undefined ? 0 : FLAG.EXERCISE) |
      (medication === undefined ? 0 : FLAG.MEDICATION) |
      (medication?.unit === "L" ? FLAG.LITRES : 0) |
      (hba1cPercent === undefined ? 0 : FLAG.HBA1C) |
      (extendedFlags === undefined ? 0 : FLAG.EXTENDED),
    le16(sequence),
    extendedFlags === undefined ? [] : [extendedFlags],
    carbohydrate === undefined ? [] : [CARBOHYDRATES.indexOf(carbohydrate.of) + 1, ...sfloat(carbohydrate.kilograms)],
    meal === undefined ? [] : [mealOctet(meal)],
    tester === undefined ? [] : [place(TESTERS, tester.by) | (place(HEALTH, tester.health) << 4)],
    exercise === undefined ? [] : [...le16(exercise.seconds), exercise.percent],
    medication === undefined ? [] : [MEDICATIONS.indexOf(medication.of) + 1, ...sfloat(medication.amount)],
    hba1cPercent === undefined ? [] : sfloat(hba1cPercent),
  );
};
