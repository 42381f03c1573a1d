import { codeOf } from "../../protocol/codes.ts";
import type { ReadingKind } from "../../protocol/reading.ts";

/** A unit that a value may be given in. `usual`: what is outside is asked about once, and then taken as it is. */
export interface EntryUnit {
  readonly ucum: string;
  /** As people type it, in small letters. */
  readonly words: readonly string[];
  readonly usual: readonly [from: number, to: number];
}

export interface EntryField {
  /** Names that may stand before the value; the first is shown. */
  readonly names: readonly string[];
  /** Name in the code table. */
  readonly quantity: string;
  readonly required: boolean;
  /** The first is the default. Fields of one entry that have the same units are given in the same one. */
  readonly units: readonly EntryUnit[];
}

/** A word such as `site=ear`: it chooses another code for the value, or stands in the reading's context. */
export interface EntryChoice {
  readonly name: string;
  readonly what: "quantity" | "context";
  /** Word to a name in the code table. */
  readonly words: ReadonlyMap<string, string>;
}

/** Something that a person can enter by hand. */
export interface EntryKind {
  /** The word after `entry add`. */
  readonly word: string;
  readonly also: readonly string[];
  readonly kind: ReadingKind;
  readonly example: string;
  readonly fields: readonly EntryField[];
  readonly choices: readonly EntryChoice[];
}

/*
 * Usual ranges: wide enough for a very ill adult at home, narrow enough for a slipped digit or decimal sign. They are
 * no medical limits and no alarm; what is outside is stored as typed, marked `implausible`, once it has been confirmed.
 */
const MMHG = (from: number, to: number): EntryUnit => ({
  ucum: "mm[Hg]",
  words: ["mmhg", "mm[hg]"],
  usual: [from, to],
});
/** 1 kPa = 7.50062 mm[Hg]. */
const KPA = (from: number, to: number): EntryUnit => ({ ucum: "kPa", words: ["kpa"], usual: [from, to] });
const PER_MINUTE: EntryUnit = { ucum: "/min", words: ["/min", "bpm"], usual: [25, 220] };

const pulse = (quantity: string): EntryField => ({
  names: ["pulse", "puls"],
  quantity,
  required: false,
  units: [PER_MINUTE],
});

const LITRES: EntryUnit = { ucum: "L", words: ["l"], usual: [0.3, 8] };

/** Sites of a thermometer by their Temperature Type (0x2A1D). */
const SITES: ReadonlyMap<string, string> = new Map([
  ["armpit", "body-temperature.site.1"],
  ["ear", "body-temperature.site.9"],
  ["mouth", "body-temperature.site.6"],
  ["rectum", "body-temperature.site.7"],
]);

const MEALS: ReadonlyMap<string, string> = new Map([
  ["fasting", "glucose.context.meal_fasting"],
  ["before", "glucose.context.meal_preprandial"],
  ["after", "glucose.context.meal_postprandial"],
  ["bedtime", "glucose.context.meal_bedtime"],
  ["casual", "glucose.context.meal_casual"],
]);

/** Everything that can be entered. The codes are checked when this file is loaded. */
export const ENTRY_KINDS: readonly EntryKind[] = [
  {
    word: "blood-pressure",
    also: ["bp", "blodtryck"],
    kind: "blood-pressure",
    example: "entry add blood-pressure sys=142 dia=88 pulse=71",
    fields: [
      {
        names: ["sys", "systolic"],
        quantity: "blood-pressure.systolic",
        required: true,
        units: [MMHG(60, 260), KPA(8, 34.7)],
      },
      {
        names: ["dia", "diastolic"],
        quantity: "blood-pressure.diastolic",
        required: true,
        units: [MMHG(30, 160), KPA(4, 21.4)],
      },
      pulse("pulse-rate.cuff"),
    ],
    choices: [],
  },
  {
    word: "weight",
    also: ["body-weight", "vikt"],
    kind: "body-weight",
    example: "entry add weight 81,4",
    fields: [
      {
        names: ["weight"],
        quantity: "body-weight",
        required: true,
        units: [
          { ucum: "kg", words: ["kg"], usual: [25, 300] },
          { ucum: "[lb_av]", words: ["lb", "lbs", "[lb_av]"], usual: [55, 660] },
        ],
      },
    ],
    choices: [],
  },
  {
    word: "temperature",
    also: ["temp", "body-temperature"],
    kind: "body-temperature",
    example: "entry add temperature 38.2 site=ear",
    fields: [
      {
        names: ["temperature"],
        quantity: "body-temperature",
        required: true,
        units: [
          { ucum: "Cel", words: ["c", "cel", "celsius"], usual: [34, 42] },
          { ucum: "[degF]", words: ["f", "[degf]", "fahrenheit"], usual: [93.2, 107.6] },
        ],
      },
    ],
    choices: [{ name: "site", what: "quantity", words: SITES }],
  },
  {
    word: "spo2",
    also: ["oxygen", "pulse-oximetry"],
    kind: "pulse-oximetry",
    example: "entry add spo2 93 pulse 80",
    fields: [
      {
        names: ["spo2"],
        quantity: "spo2",
        required: true,
        units: [{ ucum: "%", words: ["%"], usual: [70, 100] }],
      },
      pulse("pulse-rate.oximeter"),
    ],
    choices: [],
  },
  {
    word: "glucose",
    also: ["blodsocker"],
    kind: "glucose",
    example: "entry add glucose 7,2 meal=before",
    fields: [
      {
        names: ["glucose"],
        // What kind of sample the meter took, and whether it shows plasma values, the person cannot know.
        quantity: "glucose.generic",
        required: true,
        units: [
          { ucum: "mmol/L", words: ["mmol/l", "mmol"], usual: [1.5, 30] },
          { ucum: "mg/dL", words: ["mg/dl", "mg"], usual: [27, 540] },
        ],
      },
    ],
    choices: [{ name: "meal", what: "context", words: MEALS }],
  },
  {
    word: "peak-flow",
    also: ["pef", "spirometry"],
    kind: "spirometry",
    example: "entry add peak-flow 420",
    fields: [
      {
        names: ["pef"],
        quantity: "pef",
        required: false,
        units: [{ ucum: "L/min", words: ["l/min"], usual: [60, 850] }],
      },
      { names: ["fev1"], quantity: "fev1", required: false, units: [LITRES] },
      { names: ["fvc"], quantity: "fvc", required: false, units: [LITRES] },
    ],
    choices: [],
  },
];

for (const { fields, choices } of ENTRY_KINDS) {
  for (const { quantity } of fields) codeOf(quantity);
  for (const { words } of choices) for (const quantity of words.values()) codeOf(quantity);
}

export const entryKind = (word: string): EntryKind | null =>
  ENTRY_KINDS.find((one) => one.word === word || one.also.includes(word)) ?? null;
