import { publishableQuantities } from "../../drivers/catalogue/quantities.ts";
import { codeOf } from "../../protocol/codes.ts";
import { isKnownQuantity } from "./check-capture.ts";
import type { CaptureOutcome, ModelOutcome } from "./conformance.ts";

const distinct = (words: readonly (string | null)[]): readonly string[] =>
  [...new Set(words.filter((word) => word !== null))].toSorted();

/** `body-temperature` is measured at any of its sites, `glucose.generic` in any kind of blood. */
const FAMILY: ReadonlyMap<string, string> = new Map([
  ["body-temperature", "body-temperature.site."],
  ["glucose.generic", "glucose.type."],
]);

/** The codes under which a quantity may be told. */
const codesOf = (quantity: string): readonly number[] => {
  if (!isKnownQuantity(quantity)) return [];
  const family = FAMILY.get(quantity);
  const members = family === undefined ? [] : [...publishableQuantities()].filter((one) => one.startsWith(family));
  return [quantity, ...members].map((one) => codeOf(one).mdc);
};

const readingsOf = (outcomes: readonly CaptureOutcome[]) =>
  outcomes.flatMap(({ tried }) => tried?.replayed.taken.map(({ reading }) => reading) ?? []);

const modelOf = (name: string, outcomes: readonly CaptureOutcome[]): ModelOutcome => {
  const first = outcomes.find(({ tried }) => tried !== null)?.tried?.sensor;
  const readings = readingsOf(outcomes);
  const measured = new Map<number, number>();
  for (const { values } of readings) {
    const codes = new Set(values.flatMap((one) => (one.value === null ? [] : [one.mdc])));
    for (const mdc of codes) measured.set(mdc, (measured.get(mdc) ?? 0) + 1);
  }
  const entry = first?.entry ?? null;
  return {
    name,
    driver: first === undefined ? "none" : `${first.driver.id}@${first.driver.version}`,
    title: entry === null ? "no model of the catalogue" : `${entry.manufacturer} ${entry.model}`,
    firmware: distinct(readings.map(({ device }) => device.firmware)),
    captures: outcomes,
    coverage: (entry?.quantities ?? []).map((quantity) => ({
      quantity,
      readings: codesOf(quantity).reduce((sum, mdc) => sum + (measured.get(mdc) ?? 0), 0),
    })),
  };
};

/** The outcomes by model, in the order in which the models first come. */
export const modelsOf = (outcomes: readonly CaptureOutcome[]): readonly ModelOutcome[] => {
  const groups = new Map<string, CaptureOutcome[]>();
  for (const outcome of outcomes) {
    const { sensor } = outcome.capture;
    const name = sensor.tag === "model" ? sensor.model : sensor.driver;
    groups.set(name, [...(groups.get(name) ?? []), outcome]);
  }
  return [...groups].map(([name, members]) => modelOf(name, members));
};
