import type { DecodeAnswer } from "./decode-answer.ts";

const isPlain = (value: unknown): boolean => typeof value !== "object" || value === null;

const valueText = (value: unknown): string => {
  if (value === null || value === undefined) return "-";
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.every(isPlain)
    ? value.map(valueText).join(", ") || "none"
    : JSON.stringify(value);
};

const flatten = (name: string, value: unknown): readonly (readonly [string, string])[] => {
  if (isPlain(value) || (Array.isArray(value) && value.every(isPlain))) return [[name, valueText(value)]];
  if (Array.isArray(value)) return value.flatMap((one: unknown, i) => flatten(`${name}[${i}]`, one));
  return Object.entries(value as object).flatMap(([key, one]) => flatten(name === "" ? key : `${name}.${key}`, one));
};

/** The answer for a person: one field a line, names in one column. */
export const decodeText = (answer: DecodeAnswer): string => {
  const fields = flatten("", answer);
  const width = Math.max(0, ...fields.map(([name]) => name.length)) + 2;
  return fields.map(([name, value]) => `${name.padEnd(width)}${value}\n`).join("");
};
