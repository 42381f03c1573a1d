import { codeOf } from "../../protocol/codes.ts";
import type { Reading } from "../../protocol/reading.ts";
import type { TrueValue } from "../serial/measurement.ts";

/** CR LF: a driver may hand out a line with or without its end. */
const LINE_END = /(0d0a|0d|0a)$/;

/**
 * Equal for what a sensor sent and for the `provenance.rawHex` of a reading that was decoded from it. Frames that end
 * in one of those octets by chance lose them on both sides.
 */
export const bytesKey = (hex: string): string => hex.replace(LINE_END, "");

/** Two numbers that are the same at the precision that the sensor sent. */
const sameNumber = (truth: TrueValue, value: number, decimals: number, unit: string): boolean =>
  unit === truth.unit && decimals === truth.decimals && value.toFixed(decimals) === truth.value.toFixed(truth.decimals);

/**
 * What is wrong with a reading's values, held against what the sensor measured: each true value must be there, at its
 * code, unit, precision and number, and nothing else. Null where all is right.
 */
export const differenceOf = (truths: readonly TrueValue[], reading: Reading): string | null => {
  for (const truth of truths) {
    const { mdc, name } = codeOf(truth.quantity);
    const found = reading.values.filter((one) => one.mdc === mdc);
    const [value] = found;
    if (value === undefined) return `${name} is missing`;
    if (found.length > 1) return `${name} appears ${found.length} times`;
    if (value.value === null) return `${name} is absent (${value.absent})`;
    if (!sameNumber(truth, value.value, value.decimals, value.unit)) {
      const got = `${value.value.toFixed(value.decimals)} ${value.unit}`;
      return `${name} is ${got}, measured ${truth.value.toFixed(truth.decimals)} ${truth.unit}`;
    }
  }
  if (reading.values.length === truths.length) return null;
  const known = new Set(truths.map((truth) => codeOf(truth.quantity).mdc));
  return `${reading.values.find((one) => !known.has(one.mdc))?.name ?? "a value"} was not measured`;
};
