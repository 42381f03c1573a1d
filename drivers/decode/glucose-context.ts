import { type Decoded, decoded } from "../driver.ts";
import { tooShort, u8, u16 } from "./field.ts";
import { type MedicalFloat, sfloatAt } from "./float.ts";

/**
 * Glucose Measurement Context, 0x2A34 (GLS 1.0.1 section 3.2): what surrounds the measurement of the same sequence
 * number. Values that the flags do not announce are null.
 */
export interface GlucoseContextRecord {
  readonly sequence: number;
  readonly extendedFlags: number | null;
  /** 1 breakfast, 2 lunch, 3 dinner, 4 snack, 5 drink, 6 supper, 7 brunch. */
  readonly carbohydrateId: number | null;
  readonly carbohydrateKg: MedicalFloat | null;
  /**
   * 1 preprandial, 2 postprandial, 3 fasting, 4 casual, 5 bedtime. 6 is reserved; CareSens meters send it to say that
   * the paired measurement is a ketone value, which must not be published as glucose.
   */
  readonly meal: number | null;
  /** 1 self, 2 health care professional, 3 laboratory, 15 not available. */
  readonly tester: number | null;
  /** 1 minor issues, 2 major issues, 3 menses, 4 stress, 5 none, 15 not available. */
  readonly health: number | null;
  /** 65535 is "overrun": longer than can be said. */
  readonly exerciseDurationS: number | null;
  readonly exerciseIntensityPercent: number | null;
  /** 1 rapid, 2 short, 3 intermediate, 4 long acting insulin, 5 pre-mixed insulin. */
  readonly medicationId: number | null;
  readonly medication: MedicalFloat | null;
  readonly medicationUnit: "kg" | "L";
  readonly hba1cPercent: MedicalFloat | null;
  readonly trailing: number;
}

/** Meal of a CareSens meter that marks the paired measurement as ketone (GLS 1.0.1 reserves the value). */
export const CARESENS_KETONE_MEAL = 6;

export const decodeGlucoseContext = (bytes: Uint8Array): Decoded<GlucoseContextRecord> => {
  const flags = u8(bytes, 0);
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const carbohydrateAt = 3 + (has(0x80) ? 1 : 0);
  const mealAt = carbohydrateAt + (has(0x01) ? 3 : 0);
  const testerAt = mealAt + (has(0x02) ? 1 : 0);
  const exerciseAt = testerAt + (has(0x04) ? 1 : 0);
  const medicationAt = exerciseAt + (has(0x08) ? 3 : 0);
  const hba1cAt = medicationAt + (has(0x10) ? 3 : 0);
  const needed = hba1cAt + (has(0x40) ? 2 : 0);
  if (bytes.length < needed) return tooShort("glucose measurement context", needed, bytes.length);
  return decoded({
    sequence: u16(bytes, 1),
    extendedFlags: has(0x80) ? u8(bytes, 3) : null,
    carbohydrateId: has(0x01) ? u8(bytes, carbohydrateAt) : null,
    carbohydrateKg: has(0x01) ? sfloatAt(bytes, carbohydrateAt + 1) : null,
    meal: has(0x02) ? u8(bytes, mealAt) : null,
    tester: has(0x04) ? u8(bytes, testerAt) & 0x0f : null,
    health: has(0x04) ? u8(bytes, testerAt) >> 4 : null,
    exerciseDurationS: has(0x08) ? u16(bytes, exerciseAt) : null,
    exerciseIntensityPercent: has(0x08) ? u8(bytes, exerciseAt + 2) : null,
    medicationId: has(0x10) ? u8(bytes, medicationAt) : null,
    medication: has(0x10) ? sfloatAt(bytes, medicationAt + 1) : null,
    medicationUnit: has(0x20) ? "L" : "kg",
    hba1cPercent: has(0x40) ? sfloatAt(bytes, hba1cAt) : null,
    trailing: bytes.length - needed,
  });
};
