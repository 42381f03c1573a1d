import { codeOf } from "../../protocol/codes.ts";
import type { AssignmentId } from "../../protocol/ids.ts";
import type { LimitConfig } from "../config/hub-config.ts";

/** More than `by` from one value to another within `hours` is a jump. */
export interface JumpLimit {
  readonly by: number;
  readonly hours: number;
}

/** What cannot be of one quantity. `min` and `max` themselves can. */
export interface Limit {
  /** As people name it in the configuration. */
  readonly name: string;
  /** Names of the code table that it is about. */
  readonly quantities: readonly string[];
  /** Unit of all its numbers (UCUM). */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** Each counts. */
  readonly jumps: readonly JumpLimit[];
  /** Where the range comes from. */
  readonly why: string;
}

const sites = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * Bounds of what a sensor can have measured on a living adult, drawn wide: they find slips of measuring and of decimal
 * points, not illness. What calls for care is the region's to say. Jumps are about who was measured: only where the body
 * is slow are there any by default.
 */
export const DEFAULT_LIMITS: readonly Limit[] = [
  {
    name: "blood-pressure.systolic",
    quantities: ["blood-pressure.systolic"],
    unit: "mm[Hg]",
    min: 50,
    max: 300,
    jumps: [],
    why: "A cuff is inflated to 300 mmHg at most (IEC 80601-2-30); below 50 no pulse is felt in the arm",
  },
  {
    name: "blood-pressure.diastolic",
    quantities: ["blood-pressure.diastolic"],
    unit: "mm[Hg]",
    min: 20,
    max: 200,
    jumps: [],
    why: "Home cuffs state 40 to 200 mmHg; half of that below",
  },
  {
    name: "blood-pressure.mean",
    quantities: ["blood-pressure.mean"],
    unit: "mm[Hg]",
    min: 30,
    max: 250,
    jumps: [],
    why: "Between the bounds of diastolic and systolic pressure",
  },
  {
    name: "pulse-rate",
    quantities: ["pulse-rate.cuff", "pulse-rate.oximeter", "heart-rate"],
    unit: "/min",
    min: 18,
    max: 321,
    jumps: [],
    why: "Widest display range of the certified oximeters: 18 to 321 (Nonin 6470-000-01)",
  },
  {
    name: "spo2",
    quantities: ["spo2"],
    unit: "%",
    min: 50,
    max: 100,
    jumps: [],
    why: "Accuracy is stated for 70 to 100 % (ISO 80601-2-61); lower happens, above 100 cannot be",
  },
  {
    name: "body-temperature",
    quantities: ["body-temperature", ...sites.map((site) => `body-temperature.site.${site}`)],
    unit: "Cel",
    min: 30,
    max: 44,
    jumps: [],
    why: "Clinical thermometers state about 34 to 43 Cel (ISO 80601-2-56); some room for skin sites",
  },
  {
    name: "glucose",
    quantities: [...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((type) => `glucose.type.${type}`), "glucose.generic"],
    unit: "mg/dL",
    min: 10,
    max: 700,
    jumps: [],
    why: "Meters state 20 to 600 mg/dL and say Lo and Hi beyond (ISO 15197 leaves the range to the maker)",
  },
  {
    name: "body-weight",
    quantities: ["body-weight"],
    unit: "kg",
    min: 20,
    max: 300,
    jumps: [
      { by: 4, hours: 36 },
      { by: 8, hours: 240 },
    ],
    why: "Adults; scales carry 250 kg. Retained water, the fastest change there is, stays below 4 kg in a day",
  },
  {
    name: "body-height",
    quantities: ["body-height"],
    unit: "cm",
    min: 100,
    max: 250,
    jumps: [{ by: 5, hours: 2400 }],
    why: "Adults; a height is set on the scale and changes with its user",
  },
  {
    name: "bmi",
    quantities: ["bmi"],
    unit: "kg/m2",
    min: 8,
    max: 120,
    jumps: [],
    why: "Adults; from half of what is underweight to the heaviest",
  },
  {
    name: "body-fat",
    quantities: ["body-fat"],
    unit: "%",
    min: 1,
    max: 75,
    jumps: [],
    why: "Display range of the certified scales: 1 to 75 %",
  },
  {
    name: "fev1",
    quantities: ["fev1"],
    unit: "L",
    min: 0.1,
    max: 8,
    jumps: [],
    why: "A spirometer measures up to 8 L (ISO 26782)",
  },
  {
    name: "fvc",
    quantities: ["fvc"],
    unit: "L",
    min: 0.1,
    max: 10,
    jumps: [],
    why: "A spirometer measures 8 L or more (ISO 26782)",
  },
  {
    name: "pef",
    quantities: ["pef"],
    unit: "L/min",
    min: 30,
    max: 1000,
    jumps: [],
    why: "Peak flow meters state about 60 to 800 L/min (ISO 23747)",
  },
];

/** Of one measurement, the first can never be above the second. */
export const NEVER_ABOVE: readonly (readonly [low: string, high: string])[] = [
  ["blood-pressure.diastolic", "blood-pressure.mean"],
  ["blood-pressure.mean", "blood-pressure.systolic"],
  ["blood-pressure.diastolic", "blood-pressure.systolic"],
  ["fev1", "fvc"],
];

/** The limit of each code (IEEE 11073-10101) that has one. */
export type LimitTable = ReadonlyMap<number, Limit>;

const changed = (limit: Limit, { min, max, jumps }: LimitConfig): Limit => ({
  ...limit,
  min: min ?? limit.min,
  max: max ?? limit.max,
  jumps: jumps ?? limit.jumps,
});

/** Limits of one assignment: the defaults, with what is said of everybody, with what is said of this one. Pure. */
export const limitsOf = (config: readonly LimitConfig[], assignment: AssignmentId): readonly Limit[] =>
  DEFAULT_LIMITS.map((limit) => {
    const ours = config.filter(({ quantity }) => quantity === limit.name);
    const ofAll = ours.filter((one) => one.assignment === null);
    const ofThis = ours.filter((one) => one.assignment === assignment);
    return [...ofAll, ...ofThis].reduce(changed, limit);
  });

export const tableOf = (limits: readonly Limit[]): LimitTable =>
  new Map(limits.flatMap((limit) => limit.quantities.map((quantity) => [codeOf(quantity).mdc, limit] as const)));
