import { type Decoded, decoded } from "../driver.ts";
import { tooLong, tooShort, u8, u16, u24 } from "./field.ts";

/** What a sensor sends instead of a number (IEEE 11073-20601, FLOAT-Type and SFLOAT-Type). */
export type SpecialValue = "not-a-number" | "nres" | "positive-infinity" | "negative-infinity" | "reserved";

/**
 * A number as a sensor sent it. `decimals` is its precision (2.0 has 1, 2 and 200 have 0); `value` is the nearest
 * double of exactly the decimal number that was sent, so 112 x 10^-1 is 11.2. A special value is never a number.
 */
export type MedicalFloat =
  | { readonly tag: "number"; readonly value: number; readonly decimals: number }
  | { readonly tag: "special"; readonly special: SpecialValue };

const NOT_A_NUMBER: MedicalFloat = { tag: "special", special: "not-a-number" };
const NRES: MedicalFloat = { tag: "special", special: "nres" };
const POSITIVE_INFINITY: MedicalFloat = { tag: "special", special: "positive-infinity" };
const NEGATIVE_INFINITY: MedicalFloat = { tag: "special", special: "negative-infinity" };
const RESERVED: MedicalFloat = { tag: "special", special: "reserved" };

/** Powers of ten that a double holds exactly; one division by such a power is correctly rounded. */
const EXACT_POWERS: readonly number[] = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/** The number `mantissa` x 10^-`decimals` with that precision; negative `decimals` multiply. `mantissa` is whole. */
export const decimal = (mantissa: number, decimals: number): MedicalFloat => {
  if (mantissa === 0) return { tag: "number", value: 0, decimals: Math.max(0, decimals) };
  const power = EXACT_POWERS[decimals < 0 ? -decimals : decimals];
  if (decimals <= 0) {
    const product = power === undefined ? Number.POSITIVE_INFINITY : mantissa * power;
    const value = Number.isSafeInteger(product) ? product : Number(`${mantissa}e${-decimals}`);
    return { tag: "number", value, decimals: 0 };
  }
  const value = power === undefined ? Number(`${mantissa}e${-decimals}`) : mantissa / power;
  return { tag: "number", value, decimals };
};

/**
 * The same number in a unit that is 10^`places` smaller: kg/L shifted by 5 is mg/dL. Special values stay as they are.
 * Exact for all that an SFLOAT can hold.
 */
export const shifted = (float: MedicalFloat, places: number): MedicalFloat => {
  if (float.tag === "special") return float;
  const mantissa = float.value * (EXACT_POWERS[float.decimals] ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(mantissa) && Math.abs(mantissa) <= Number.MAX_SAFE_INTEGER
    ? decimal(Math.round(mantissa), float.decimals - places)
    : { tag: "number", value: float.value * 10 ** places, decimals: Math.max(0, float.decimals - places) };
};

/**
 * SFLOAT at an offset that the caller has checked: exponent 4 bits, mantissa 12 bits, both signed. The special values
 * have exponent 0; 0xF7FF is the number 204.7.
 */
export const sfloatAt = (bytes: Uint8Array, at: number): MedicalFloat => {
  const raw = u16(bytes, at);
  if (raw >= 0x07fe && raw <= 0x0802) {
    if (raw === 0x07ff) return NOT_A_NUMBER;
    if (raw === 0x0800) return NRES;
    if (raw === 0x07fe) return POSITIVE_INFINITY;
    return raw === 0x0802 ? NEGATIVE_INFINITY : RESERVED;
  }
  return decimal((raw << 20) >> 20, -((raw << 16) >> 28));
};

/** FLOAT at an offset that the caller has checked: exponent 8 bits, mantissa 24 bits, both signed. */
export const floatAt = (bytes: Uint8Array, at: number): MedicalFloat => {
  const mantissa = u24(bytes, at);
  const exponent = (u8(bytes, at + 3) << 24) >> 24;
  if (exponent === 0 && mantissa >= 0x7ffffe && mantissa <= 0x800002) {
    if (mantissa === 0x7fffff) return NOT_A_NUMBER;
    if (mantissa === 0x800000) return NRES;
    if (mantissa === 0x7ffffe) return POSITIVE_INFINITY;
    return mantissa === 0x800002 ? NEGATIVE_INFINITY : RESERVED;
  }
  return decimal((mantissa << 8) >> 8, -exponent);
};

export const decodeSfloat = (bytes: Uint8Array): Decoded<MedicalFloat> => {
  if (bytes.length < 2) return tooShort("SFLOAT", 2, bytes.length);
  if (bytes.length > 2) return tooLong("SFLOAT", 2, bytes.length);
  return decoded(sfloatAt(bytes, 0));
};

export const decodeFloat = (bytes: Uint8Array): Decoded<MedicalFloat> => {
  if (bytes.length < 4) return tooShort("FLOAT", 4, bytes.length);
  if (bytes.length > 4) return tooLong("FLOAT", 4, bytes.length);
  return decoded(floatAt(bytes, 0));
};

/**
 * Eight decimals in an SFLOAT: exponent nibble 8. Some stacks write the exponent with a bias of 8 instead of two's
 * complement, so that 120 arrives as 0.0000012. A quantity of the body at that scale is a wrong encoder, and a reading
 * with it must not be published: the hub may neither believe the number nor guess the one that was meant.
 */
export const isBiasedSfloat = (float: MedicalFloat): boolean =>
  float.tag === "number" && float.decimals === 8 && float.value !== 0;

/** The same fault in a FLOAT (bias 128): 37.00000 arrives as 3700000 x 10^123. No body temperature reaches 10^30. */
export const isBiasedFloat = (float: MedicalFloat): boolean => float.tag === "number" && Math.abs(float.value) > 1e30;
