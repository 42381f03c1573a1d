import type { DraftReading, Quality, ReadingValue } from "../../protocol/reading.ts";
import { type EpochMs, epochMs } from "../../protocol/time.ts";
import { type History, nearestTo, type Point } from "./history.ts";
import { type Limit, type LimitTable, NEVER_ABOVE } from "./limits.ts";
import { inUnit } from "./units.ts";

/** What is doubtful of a reading, and which limit says so. No value of it is in here. */
export type Finding =
  | { readonly tag: "out-of-range"; readonly limit: string }
  | { readonly tag: "out-of-order"; readonly limit: string }
  | { readonly tag: "jump"; readonly limit: string }
  /** Somebody else's memory on the sensor, or nobody said whose. */
  | { readonly tag: "user-slot" };

/** `implausible`: it cannot be of a body. `unconfirmed`: it may be of another body. */
const QUALITY: Readonly<Record<Finding["tag"], Quality>> = {
  "out-of-range": "implausible",
  "out-of-order": "implausible",
  jump: "unconfirmed",
  "user-slot": "unconfirmed",
};

/** "Unknown user" of the weight, body composition and blood pressure services (WSS 1.0.1 section 3.2.1.4). */
const UNKNOWN_USER = 255;

const HOUR_MS = 3_600_000;

/** What a judgement goes by. */
export interface Grounds {
  readonly limits: LimitTable;
  /** What was accepted before of this assignment, by name of the limit. */
  history(limit: string): History;
  /** The patient's memory on the sensor; null: nobody else uses the sensor. */
  readonly userSlot: number | null;
}

interface Measured {
  readonly limit: Limit;
  readonly value: number;
}

const measuredOf = (values: readonly ReadingValue[], limits: LimitTable): readonly Measured[] =>
  values.flatMap((one): readonly Measured[] => {
    const limit = limits.get(one.mdc);
    if (limit === undefined || one.value === null) return [];
    const value = inUnit(one.value, one.unit, limit.unit);
    return value === null ? [] : [{ limit, value }];
  });

/** When it was measured, where that is beyond doubt: a clock that is wrong must not make a jump of a step. */
const timeOf = ({ time }: DraftReading): EpochMs | null => {
  const isDoubtful = time.faults.some((fault) => fault !== "dst-fold");
  if (time.start === null || isDoubtful) return null;
  const at = Date.parse(time.start);
  return Number.isNaN(at) ? null : epochMs(at);
};

const isJump = ({ limit, value }: Measured, at: EpochMs, reading: DraftReading, history: History): boolean => {
  const nearest = nearestTo(history, at, reading.id);
  if (nearest === null) return false;
  const apart = Math.abs(nearest.at - at);
  return limit.jumps.some(({ by, hours }) => apart <= hours * HOUR_MS && Math.abs(nearest.value - value) > by);
};

const isOutOfOrder = (values: readonly Measured[], low: string, high: string): boolean => {
  const [below, above] = [low, high].map((name) => values.find(({ limit }) => limit.name === name)?.value);
  return below !== undefined && above !== undefined && below > above;
};

const isOtherUser = ({ context }: DraftReading, enrolled: number | null): boolean => {
  const { userSlot } = context;
  if (userSlot === UNKNOWN_USER) return true;
  return enrolled !== null && userSlot !== enrolled;
};

/** True where nothing was measured, or on nobody: there is nothing to judge. */
const isNoMeasurement = ({ status, quality }: DraftReading): boolean =>
  status === "not-performed" || status === "entered-in-error" || quality.includes("test-data");

/** Everything that is doubtful of a reading. Pure. */
export const findingsOf = (reading: DraftReading, { limits, history, userSlot }: Grounds): readonly Finding[] => {
  if (isNoMeasurement(reading)) return [];
  const values = measuredOf(reading.values, limits);
  const at = timeOf(reading);
  const jumps = at === null ? [] : values.filter((one) => isJump(one, at, reading, history(one.limit.name)));
  return [
    ...values
      .filter(({ limit, value }) => value < limit.min || value > limit.max)
      .map(({ limit }): Finding => ({ tag: "out-of-range", limit: limit.name })),
    ...NEVER_ABOVE.filter(([low, high]) => isOutOfOrder(values, low, high)).map(
      ([low]): Finding => ({ tag: "out-of-order", limit: low }),
    ),
    ...jumps.map(({ limit }): Finding => ({ tag: "jump", limit: limit.name })),
    ...(isOtherUser(reading, userSlot) ? [{ tag: "user-slot" } as const] : []),
  ];
};

/** The same reading with what was found in its quality; nothing else of it changes, and nothing is taken away. */
export const withFindings = (reading: DraftReading, findings: readonly Finding[]): DraftReading => {
  const added = findings.map(({ tag }) => QUALITY[tag]).filter((one) => !reading.quality.includes(one));
  return added.length === 0 ? reading : { ...reading, quality: [...reading.quality, ...new Set(added)] };
};

/** Qualities with which a value says nothing about the next one. */
const DOUBTFUL: ReadonlySet<Quality> = new Set(["questionable", "implausible", "unconfirmed", "calibrating"]);

/** What later readings are compared with, by name of the limit: nothing of a reading that is in any doubt. Pure. */
export const pointsOf = (reading: DraftReading, limits: LimitTable): readonly (readonly [string, Point])[] => {
  const at = timeOf(reading);
  if (at === null || isNoMeasurement(reading) || reading.quality.some((one) => DOUBTFUL.has(one))) return [];
  return measuredOf(reading.values, limits)
    .filter(({ limit }) => limit.jumps.length > 0)
    .map(({ limit, value }) => [limit.name, { id: reading.id, at, value }] as const);
};
