import { toHex } from "../../protocol/bytes.ts";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import type { Capture } from "./capture.ts";
import { readingText } from "./compare.ts";
import { CHECKS, type CheckName, type Mutation, mutationsOf } from "./mutations.ts";
import { REFUSED_TAKE, type Replay, type ReplayDriver, replay } from "./replay.ts";

/** Mutations of one kind that are tried on one capture: a replay takes about a millisecond, so some seconds in all. */
export const MOST_TRIED = 400;
/** Faults of one kind that are told of: the first ones show what is wrong. */
const MOST_TOLD = 5;

/** What the disturbances of one kind showed. */
export interface RobustnessCheck {
  readonly name: CheckName;
  readonly tried: number;
  /** Of how many: where there are more than are tried, they are picked evenly. */
  readonly possible: number;
  /** The first faults, each with the disturbance that shows it. */
  readonly faults: readonly string[];
  readonly failed: number;
}

/** What each check is, for people. */
export const CHECK_TEXT: Readonly<Record<CheckName, string>> = {
  truncate: "each value cut at every length: no crash, no invented number",
  lose: "each byte of a serial line lost: no crash, no invented number",
  flip: "each bit flipped: no crash, nothing but readings; with a checksum no invented number",
  split: "serial input split at every point: the same readings",
  drop: "connection dropped after each event: what was read before stays, once",
  silence: "sensor silent after each event: the session ends in time",
  refuse: "outbox refuses each reading: the sensor is not told that it is safe",
};

const numbersOf = (reading: DraftReading): readonly string[] =>
  reading.values.flatMap((one) => (one.value === null ? [] : [`${one.mdc} ${one.value} ${one.decimals}`]));

/** A reading of one number keeps that number where the session was too short to learn its exact code (the site). */
const onlyNumberOf = ({ kind, values }: DraftReading): string | null => {
  const [one] = values;
  return values.length !== 1 || one === undefined || one.value === null
    ? null
    : `${kind} ${one.value} ${one.decimals} ${one.unit}`;
};

/** What the sensor said undisturbed. */
interface Truth {
  readonly numbers: ReadonlySet<string>;
  readonly onlyNumbers: ReadonlySet<string | null>;
  /** In hex: every byte of a serial line in one piece, or each value of a Bluetooth sensor. */
  readonly sent: { readonly line: string } | { readonly values: readonly string[] };
}

const truthOf = (capture: Capture, base: Replay): Truth => {
  const readings = base.taken.map(({ reading }) => reading);
  const sent = capture.session.flatMap((event) => (event.tag === "received" ? [toHex(event.bytes)] : []));
  return {
    numbers: new Set(readings.flatMap(numbersOf)),
    onlyNumbers: new Set(readings.map(onlyNumberOf)),
    sent: capture.link.length > 0 ? { values: sent.filter((value) => value !== "") } : { line: sent.join("") },
  };
};

/** Whether the bytes of a reading are some of the values, whole and in order. */
const areWhole = (rawHex: string, values: readonly string[]): boolean => {
  let rest = rawHex;
  for (const value of values) if (rest.startsWith(value)) rest = rest.slice(value.length);
  return rawHex !== "" && rest === "";
};

/** From a stream a driver takes samples: which ones may change, but each is made of what was sent, whole. */
const isSample = ({ provenance: { rawHex } }: DraftReading, sent: Truth["sent"]): boolean => {
  if ("values" in sent) return areWhole(rawHex, sent.values);
  const at = sent.line.indexOf(rawHex);
  return at >= 0 && at % 2 === 0;
};

const invented = ({ numbers, onlyNumbers, sent }: Truth, found: Replay): string | null => {
  for (const { reading } of found.taken) {
    const only = onlyNumberOf(reading);
    if (isSample(reading, sent) || (only !== null && onlyNumbers.has(only))) continue;
    if (numbersOf(reading).some((one) => !numbers.has(one)))
      return `a number that the sensor never sent (${readingText(reading)})`;
  }
  return null;
};

/** How often each measurement is given. A sensor may repeat one by itself; a disturbance must not make more of it. */
const timesOf = ({ taken }: Replay): ReadonlyMap<string, number> => {
  const times = new Map<string, number>();
  for (const { reading } of taken) times.set(reading.idem, (times.get(reading.idem) ?? 0) + 1);
  return times;
};

const isRepeated = (base: Replay, found: Replay): boolean => {
  const before = timesOf(base);
  return [...timesOf(found)].some(([idem, times]) => times > Math.max(1, before.get(idem) ?? 0));
};

/** What no disturbance excuses. */
const brokenRule = (base: Replay, found: Replay): string | null => {
  if (found.end === "failed" && !isHubError(found.failure)) return `the session threw ${messageOf(found.failure)}`;
  if (found.end === "stuck") return "the session does not end, also when it is told to";
  const [rule] = found.invalid;
  if (rule !== undefined) return `a reading that is none: ${rule}`;
  for (const { reading } of found.taken) {
    for (const one of reading.values)
      if (one.value !== null && !Number.isFinite(one.value)) return "a value that is no number";
  }
  return isRepeated(base, found) ? "one measurement is given twice" : null;
};

const sameReadings = (left: Replay, right: Replay): boolean => {
  const told = ({ taken }: Replay): string =>
    JSON.stringify(
      taken.map(({ reading }) => [reading.idem, reading.kind, reading.status, reading.values, reading.time]),
    );
  return told(left) === told(right);
};

/** Readings that were durable before the disturbance and are not there now. */
const lost = (base: Replay, found: Replay, position: number): string | null => {
  const before = base.taken.filter((one) => one.position <= position).length;
  return found.taken.length >= before ? null : `${before - found.taken.length} of ${before} readings are lost`;
};

const refusal = (base: Replay, found: Replay, take: number): string | null => {
  if (found.end !== "failed" || found.failure !== REFUSED_TAKE)
    return "the session goes on as if the reading were safe";
  const first = base.taken.find((one) => one.take === take);
  const isTold = first !== undefined && (found.confirmed > first.confirmed || found.written > first.written);
  return isTold ? "the sensor is told that the reading is safe" : null;
};

const judge = (
  name: CheckName,
  base: Replay,
  truth: Truth,
  mutation: Mutation,
  found: Replay,
  stays: boolean,
): string | null => {
  const broken = brokenRule(base, found);
  if (broken !== null) return broken;
  switch (name) {
    case "flip":
      return mutation.capture.integrity === "checksum" ? invented(truth, found) : null;
    case "truncate":
    case "lose":
      return invented(truth, found);
    case "split":
      return sameReadings(base, found) ? null : "other readings than in one piece";
    case "drop":
      return lost(base, found, mutation.position) ?? invented(truth, found);
    case "silence":
      if (!stays && found.end === "aborted") return "the session waits for ever";
      return lost(base, found, mutation.position) ?? invented(truth, found);
    case "refuse":
      return refusal(base, found, mutation.refuseTake ?? 0);
  }
};

/** At most `most` of the list, evenly. */
const picked = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most ? all : Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)] as T);

/** Disturb a capture in every way, and see whether the driver keeps its promises. `base` is the undisturbed replay. */
export const checkRobustness = async (
  capture: Capture,
  sensor: ReplayDriver,
  base: Replay,
  validate: ReadingValidator,
  most: number = MOST_TRIED,
): Promise<readonly RobustnessCheck[]> => {
  const truth = truthOf(capture, base);
  const takes = new Set(base.taken.map(({ take }) => take)).size;
  const checks: RobustnessCheck[] = [];
  for (const name of CHECKS) {
    const recipes = mutationsOf(name, capture, takes);
    const chosen = picked(recipes, most);
    const faults: string[] = [];
    let failed = 0;
    for (const recipe of chosen) {
      const mutation = recipe();
      const { refuseTake } = mutation;
      const options = refuseTake === undefined ? { validate } : { validate, refuseTake };
      const found = await replay(mutation.capture, sensor, options);
      const fault = judge(name, base, truth, mutation, found, sensor.driver.stays);
      if (fault === null) continue;
      failed += 1;
      if (faults.length < MOST_TOLD) faults.push(`${mutation.label}: ${fault}`);
    }
    checks.push({ name, tried: chosen.length, possible: recipes.length, faults, failed });
  }
  return checks;
};
