import type { TrueValue } from "./measurement.ts";

/** A blood glucose test. Meters with a cable keep mg/dL, whatever they show. */
export interface GlucoseTest {
  readonly mgPerDl: number;
  readonly meal?: "before" | "after";
  /** A test with control solution, which is nobody's blood. */
  readonly control?: boolean;
}

/** In words of the code table: which sample a meter means is for its catalogue entry to say, so a truth that is not told names none. */
export const GLUCOSE_QUANTITY = "glucose.generic";

/** Of a meter of glucose: the quantity of the code table that its truth names. Default glucose.generic. */
export interface GlucoseQuantity {
  readonly quantity?: string;
}

export const glucoseTruth = ({ mgPerDl, control }: GlucoseTest, { quantity }: GlucoseQuantity): readonly TrueValue[] =>
  control === true ? [] : [{ quantity: quantity ?? GLUCOSE_QUANTITY, value: mgPerDl, decimals: 0, unit: "mg/dL" }];
