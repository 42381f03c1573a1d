/** A number as it was typed: 2.0 and 2 differ in `decimals`, and nothing is rounded. */
export interface TypedNumber {
  readonly value: number;
  readonly decimals: number;
}

/**
 * Up to four digits and three decimals: every quantity that a person reads off a display fits, and a personal identity
 * number (10 or 12 digits) does not. No sign, no exponent, no thousands separator.
 */
const TYPED = /^(\d{1,4})(?:[.,](\d{1,3}))?$/;

/** Comma or point as the decimal sign. Null for anything else. */
export const typedNumber = (text: string): TypedNumber | null => {
  const [, whole, decimals = ""] = TYPED.exec(text) ?? [];
  if (whole === undefined) return null;
  return { value: Number(decimals === "" ? whole : `${whole}.${decimals}`), decimals: decimals.length };
};

/** As it was typed, with a point: `2.0`. */
export const numberText = ({ value, decimals }: TypedNumber): string => value.toFixed(decimals);
