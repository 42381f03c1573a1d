import type { TrueValue } from "./measurement.ts";

/** What a scale sends for a measurement, and what it knows that it measured. */
export interface EncodedLine {
  readonly bytes: Uint8Array;
  readonly values: readonly TrueValue[];
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

const weightIn = (hundredths: number, decimals: 1 | 2): TrueValue => ({
  quantity: "body-weight",
  value: decimals === 1 ? Math.round(hundredths / 10) / 10 : hundredths / 100,
  decimals,
  unit: "kg",
});

/** Data of an A&D line: sign, then eight characters with the point in its place. */
const AANDD_DIGITS = 8;

/**
 * A&D standard format: header of two letters, comma, sign and eight characters, three characters of unit, CR LF; in
 * all 17 bytes (A&D GX-A/GF-A communication manual, "Data format"; the same in the weighing scales of the maker).
 * ST: stable, US: unstable, OL: overload. `hundredths`: weight in units of 0.01 kg.
 */
export const aanddLine = (header: "ST" | "US", hundredths: number): EncodedLine => {
  const weight = weightIn(hundredths, 2);
  const digits = Math.abs(weight.value).toFixed(2).padStart(AANDD_DIGITS, "0");
  return { bytes: ascii(`${header},${hundredths < 0 ? "-" : "+"}${digits} kg\r\n`), values: [weight] };
};

/** What a body composition scale found, in tenths of its units, and who stood on it. */
export interface Composition {
  readonly weightTenths: number;
  readonly fatPercentTenths: number;
  readonly impedanceOhmTenths: number;
  readonly heightCm: number;
  readonly age: number;
  readonly gender: "male" | "female";
}

const tenths = (value: number): string => (value / 10).toFixed(1);
const share = (whole: number, percentTenths: number): number => Math.round((whole * percentTenths) / 1000);

/** BMI in tenths: weight over height squared. */
const bmiTenths = (body: Composition): number => Math.round((body.weightTenths / (body.heightCm / 100) ** 2) * 1);

/**
 * Tanita SC-240, kg/cm, standard output for an adult (instruction manual, "Connection with a personal computer",
 * output data items): comma-separated pairs of item and value, CR LF. `CS` is the low byte of the sum of every byte
 * before the item name CS, two hexadecimal digits; the manual names the item only, the sum fits its sample.
 */
export const tanitaLine = (body: Composition, serialNumber: string): EncodedLine => {
  const fat = share(body.weightTenths, body.fatPercentTenths);
  const fatFree = body.weightTenths - fat;
  const bone = share(fatFree, 49);
  const water = share(fatFree, 713);
  const bmi = bmiTenths(body);
  const items: readonly (readonly [string, string])[] = [
    ["{0", "16"],
    ["~0", "1"],
    ["~1", "1"],
    ["~2", "1"],
    ["MO", '"SC-240"'],
    ["SN", `"${serialNumber.padStart(8, "0")}"`],
    ["Bt", "0"],
    ["GE", body.gender === "male" ? "1" : "2"],
    ["AG", String(body.age)],
    ["Hm", String(body.heightCm)],
    ["Pt", "0.0"],
    ["Wk", tenths(body.weightTenths)],
    ["FW", tenths(body.fatPercentTenths)],
    ["fW", tenths(fat)],
    ["MW", tenths(fatFree)],
    ["mW", tenths(fatFree - bone)],
    ["sW", "19"],
    ["bW", tenths(bone)],
    ["wW", tenths(water)],
    ["ww", tenths(Math.round((water * 1000) / body.weightTenths))],
    ["MI", tenths(bmi)],
    ["Sw", tenths(Math.round(22 * (body.heightCm / 100) ** 2 * 10))],
    ["OV", tenths(Math.round(((bmi - 220) * 1000) / 220))],
    ["IF", "6"],
    ["rb", "8255"],
    ["rB", "1973"],
    ["rJ", "12"],
    ["rA", String(body.age - 2)],
    ["ZF", tenths(body.impedanceOhmTenths)],
  ];
  const text = `${items.map(([item, value]) => `${item},${value}`).join(",")},`;
  const sum = [...ascii(text)].reduce((total, byte) => total + byte, 0) & 0xff;
  return {
    bytes: ascii(`${text}CS,${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`),
    values: [
      weightIn(body.weightTenths * 10, 1),
      { quantity: "body-fat", value: body.fatPercentTenths / 10, decimals: 1, unit: "%" },
      { quantity: "bmi", value: bmi / 10, decimals: 1, unit: "kg/m2" },
      { quantity: "body-height", value: body.heightCm, decimals: 0, unit: "cm" },
    ],
  };
};
