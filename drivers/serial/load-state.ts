import type { AndWeightRecord } from "../decode/aandd-line.ts";
import { massOfLine } from "../normalise/line-scale.ts";

/** Nobody stands on it: residue on the platform, or the dust of years. The smallest newborn weighs half a kilogram. */
export const EMPTY_KG = 0.5;
/** Lines closer together than this are one printing scale repeating itself (5 to 10 a second in stream mode). */
export const REPEAT_GAP_MS = 1000;
/** A load that changed by more than this is another one; less is the same person breathing. */
export const CHANGE_KG = 0.5;

const KG_PER_POUND = 0.45359237;

/** The load that a reading was taken of and that still stands; null where the next stable line is a new load. */
export type LoadState = { readonly kg: number; readonly monoMs: number } | null;

const kgOf = (record: AndWeightRecord): number | null => {
  if (record.value === null || record.value.tag === "special") return null;
  const mass = massOfLine(record.value, record.unit);
  if (mass === null || mass.value.tag === "special") return null;
  return mass.unit === "kg" ? mass.value.value : mass.value.value * KG_PER_POUND;
};

/** Tare and preset tare weigh the container, not the person; pieces and per cent are no weights. */
const isBodyWeight = (record: AndWeightRecord): boolean =>
  record.header === "ST" && record.second !== "TR" && record.second !== "PT";

/**
 * Which lines of a scale are readings. A scale in key or auto-print mode sends one stable line a weighing: each is a
 * reading, also when it says the same as the last (people weigh the same twice). In stream mode it repeats the line many
 * times a second while the load stands: that is one reading, until the load changes by more than half a kilogram, an
 * unstable or overloaded line comes, the platform is empty, or the scale falls silent for a second. Unstable, overload
 * and empty lines are never readings.
 */
export const nextLoad = (
  state: LoadState,
  record: AndWeightRecord,
  monoMs: number,
): { state: LoadState; take: boolean } => {
  const kg = kgOf(record);
  if (!isBodyWeight(record) || kg === null || kg < EMPTY_KG) return { state: null, take: false };
  const isSame = state !== null && monoMs - state.monoMs < REPEAT_GAP_MS && Math.abs(kg - state.kg) <= CHANGE_KG;
  return isSame ? { state: { kg: state.kg, monoMs }, take: false } : { state: { kg, monoMs }, take: true };
};
