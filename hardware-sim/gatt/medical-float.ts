import { le16, le24 } from "../radio/little-endian.ts";

/** The values of IEEE 11073-20601 FLOAT and SFLOAT that are not numbers. */
export type Special = "nan" | "nres" | "+inf" | "-inf";

/** A number as a sensor shows it: 36.60 has two decimals. A bare number has as many as its shortest text. */
export type Quantity = number | { readonly value: number; readonly decimals: number } | Special;

const SFLOAT_SPECIAL: Readonly<Record<Special, number>> = { nan: 0x07ff, nres: 0x0800, "+inf": 0x07fe, "-inf": 0x0802 };
const FLOAT_SPECIAL: Readonly<Record<Special, number>> = {
  nan: 0x7fffff,
  nres: 0x800000,
  "+inf": 0x7ffffe,
  "-inf": 0x800002,
};
/** Largest mantissas that are not special values: 2^11 - 3 and 2^23 - 3. */
const SFLOAT_MAX = 0x07fd;
const FLOAT_MAX = 0x7ffffd;

const decimalsOf = (value: number): number => {
  const [, fraction = "", exponent = "0"] = /^-?\d+(?:\.(\d+))?(?:e(-?\d+))?$/.exec(String(value)) ?? [];
  return fraction.length - Number(exponent);
};

const partsOf = (quantity: Exclude<Quantity, Special>): { readonly mantissa: number; readonly exponent: number } => {
  const { value, decimals } =
    typeof quantity === "number" ? { value: quantity, decimals: Math.max(0, decimalsOf(quantity)) } : quantity;
  return { mantissa: Math.round(value * 10 ** decimals), exponent: -decimals };
};

const fitting = (name: string, mantissa: number, most: number, exponent: number, width: number): void => {
  const range = 2 ** (width - 1);
  if (!Number.isFinite(mantissa) || Math.abs(mantissa) > most || exponent < -range || exponent >= range) {
    throw new RangeError(`${name}: ${mantissa} x 10^${exponent} does not fit`);
  }
};

/** 16 bits: exponent in the upper four, mantissa in the lower twelve, both two's complement. */
export const sfloat = (quantity: Quantity): readonly number[] => {
  if (typeof quantity === "string") return le16(SFLOAT_SPECIAL[quantity]);
  const { mantissa, exponent } = partsOf(quantity);
  fitting("SFLOAT", mantissa, SFLOAT_MAX, exponent, 4);
  return le16(((exponent & 0xf) << 12) | (mantissa & 0xfff));
};

/** 32 bits: exponent in the upper eight, mantissa in the lower twenty-four, both two's complement. */
export const float = (quantity: Quantity): readonly number[] => {
  if (typeof quantity === "string") return [...le24(FLOAT_SPECIAL[quantity]), 0];
  const { mantissa, exponent } = partsOf(quantity);
  fitting("FLOAT", mantissa, FLOAT_MAX, exponent, 8);
  return [...le24(mantissa), exponent & 0xff];
};
