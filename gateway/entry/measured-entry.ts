import { codeOf } from "../../protocol/codes.ts";
import type { ReadingKind, ReadingValue } from "../../protocol/reading.ts";
import { ENTRY_KINDS, type EntryField, type EntryKind, type EntryUnit, entryKind } from "./entry-kind.ts";
import { numberText, type TypedNumber, typedNumber } from "./typed-number.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** What was given for an entry, in words and not yet understood. */
export interface GivenEntry {
  readonly kind: string;
  /** By field name. The number as it was typed; the unit as a word, null: not said. */
  readonly values: ReadonlyMap<string, { readonly text: string; readonly unit: string | null }>;
  /** `site`, `meal`. */
  readonly choices: ReadonlyMap<string, string>;
}

/** Values of one measurement that a person took or read off a display. */
export interface MeasuredEntry {
  readonly kind: ReadingKind;
  readonly word: string;
  readonly values: readonly ReadingValue[];
  readonly context: Readonly<Record<string, number>>;
  /** For the one who entered them: `sys 142 mm[Hg]`. */
  readonly shown: readonly string[];
  /** What is unusual, one sentence each. Empty: nothing is. */
  readonly doubts: readonly string[];
  /** As it was given, for provenance. Every part has been understood, so nothing else can hide in it. */
  readonly typed: string;
}

export const requireKind = (word: string): EntryKind => {
  const kind = entryKind(word.toLowerCase());
  if (kind !== null) return kind;
  const known = ENTRY_KINDS.map((one) => one.word).join(", ");
  throw wrongEntry(`${quoted(word)} is nothing that can be entered`, `choose one of ${known}`);
};

export const fieldNamed = (kind: EntryKind, name: string): EntryField | null =>
  kind.fields.find(({ names }) => names.includes(name.toLowerCase())) ?? null;

const nameOf = (field: EntryField): string => field.names[0] ?? field.quantity;

const unitNamed = (field: EntryField, word: string): EntryUnit => {
  const lower = word.toLowerCase();
  const unit = field.units.find(({ ucum, words }) => ucum === word || words.includes(lower));
  if (unit !== undefined) return unit;
  const known = field.units.map(({ ucum }) => ucum).join(" or ");
  throw wrongEntry(`${nameOf(field)}: ${quoted(word)} is no unit of it`, `give it in ${known}`);
};

const sameUnits = (a: EntryField, b: EntryField): boolean =>
  a.units.map(({ ucum }) => ucum).join() === b.units.map(({ ucum }) => ucum).join();

interface Given {
  readonly field: EntryField;
  readonly number: TypedNumber;
  readonly text: string;
  readonly unit: EntryUnit | null;
}

/** The unit said for the value, else for another of the same kind (systolic and diastolic), else the default. */
const unitOf = (one: Given, all: readonly Given[]): EntryUnit => {
  const said = all.filter(({ field, unit }) => unit !== null && sameUnits(field, one.field));
  const ucums = new Set(said.map(({ unit }) => unit?.ucum));
  if (ucums.size > 1) {
    throw wrongEntry(`${said.map(({ field }) => nameOf(field)).join(" and ")}: units differ`, "give them in one unit");
  }
  const ucum = said[0]?.unit?.ucum;
  const unit = one.field.units.find((candidate) => ucum === undefined || candidate.ucum === ucum);
  if (unit === undefined) throw new Error(`${one.field.quantity} has no unit`);
  return unit;
};

const readNumber = (field: EntryField, text: string): TypedNumber => {
  const number = typedNumber(text);
  if (number !== null) return number;
  const found = `${nameOf(field)}: ${quoted(text)} is no number that can be entered`;
  throw wrongEntry(found, "give up to 4 digits and 3 decimals, such as 81,4");
};

const choiceOf = (kind: EntryKind, what: "quantity" | "context", given: GivenEntry): string | null => {
  for (const choice of kind.choices) {
    const word = given.choices.get(choice.name);
    if (choice.what !== what || word === undefined) continue;
    const quantity = choice.words.get(word.toLowerCase());
    if (quantity !== undefined) return quantity;
    const known = [...choice.words.keys()].join(", ");
    throw wrongEntry(`${choice.name}: ${quoted(word)} is not known`, `choose one of ${known}`);
  }
  return null;
};

const outside = (name: string, number: TypedNumber, { ucum, usual: [from, to] }: EntryUnit): string | null =>
  number.value >= from && number.value <= to
    ? null
    : `${name} ${numberText(number)} ${ucum} is outside what is usual (${from} to ${to} ${ucum})`;

const typedText = (kind: EntryKind, given: readonly Given[], choices: ReadonlyMap<string, string>): string =>
  [
    kind.word,
    ...given.map(({ field, text, unit }) => `${nameOf(field)}=${text}${unit === null ? "" : unit.ucum}`),
    ...[...choices].map(([name, word]) => `${name}=${word.toLowerCase()}`),
  ].join(" ");

/** Understand an entry. Throws HubError `invalid-argument` with the next step. Numbers are taken as typed. Pure. */
export const measuredEntry = (entry: GivenEntry): MeasuredEntry => {
  const kind = requireKind(entry.kind);
  const unknown = [...entry.choices.keys()].find((name) => !kind.choices.some((choice) => choice.name === name));
  if (unknown !== undefined) throw wrongEntry(`${quoted(unknown)} does not belong to ${kind.word}`, "leave it out");

  const byField = new Map<EntryField, Given>();
  for (const [name, { text, unit }] of entry.values) {
    const field = fieldNamed(kind, name);
    if (field === null) {
      const known = kind.fields.map(nameOf).join(", ");
      throw wrongEntry(`${quoted(name)} is no value of ${kind.word}`, `it takes ${known}: ${kind.example}`);
    }
    if (byField.has(field)) throw wrongEntry(`${nameOf(field)} is given twice`, "give it once");
    const number = readNumber(field, text);
    byField.set(field, { field, number, text, unit: unit === null ? null : unitNamed(field, unit) });
  }
  const missing = kind.fields.find((field) => !byField.has(field) && (field.required || byField.size === 0));
  if (missing !== undefined) throw wrongEntry(`${kind.word} needs ${nameOf(missing)}`, `for example: ${kind.example}`);

  // In the order of the kind, whatever order they were given in.
  const given = kind.fields.flatMap((field) => byField.get(field) ?? []);
  const quantity = choiceOf(kind, "quantity", entry);
  const context = choiceOf(kind, "context", entry);
  const values: ReadingValue[] = [];
  const shown: string[] = [];
  const doubts: string[] = [];
  for (const one of given) {
    const unit = unitOf(one, given);
    const { mdc, name } = codeOf(quantity ?? one.field.quantity);
    values.push({ mdc, name, value: one.number.value, decimals: one.number.decimals, unit: unit.ucum });
    shown.push(`${nameOf(one.field)} ${numberText(one.number)} ${unit.ucum}`);
    const doubt = outside(nameOf(one.field), one.number, unit);
    if (doubt !== null) doubts.push(doubt);
  }
  const [first, second] = given;
  if (kind.kind === "blood-pressure" && first !== undefined && second !== undefined) {
    if (second.number.value >= first.number.value) doubts.push("the diastolic pressure is not below the systolic");
  }
  const [fev1, fvc] = ["fev1", "fvc"].map((name) => given.find(({ field }) => field.quantity === name)?.number.value);
  if (fev1 !== undefined && fvc !== undefined && fev1 > fvc) doubts.push("FEV1 is above FVC");
  for (const choice of kind.choices) {
    const word = entry.choices.get(choice.name);
    if (word !== undefined) shown.push(`${choice.name} ${word.toLowerCase()}`);
  }
  const meal: Readonly<Record<string, number>> = context === null ? {} : { meal: codeOf(context).mdc };
  return {
    kind: kind.kind,
    word: kind.word,
    values,
    context: meal,
    shown,
    doubts,
    typed: typedText(kind, given, entry.choices),
  };
};
