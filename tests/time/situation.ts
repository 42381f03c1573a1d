import { expect } from "vitest";
import type { DateTime } from "../../drivers/decode/date-time.ts";
import type { ClockPair } from "../../drivers/driver.ts";
import { dateTimeOfText } from "../../drivers/normalise/civil-time.ts";
import { readingTime, type TimeInput } from "../../drivers/normalise/time.ts";
import { pairFor } from "../../drivers/normalise/timeline.ts";
import { createZones } from "../../drivers/normalise/zone.ts";
import type { ReadingTime, TimeBasis, TimeFault } from "../../protocol/reading.ts";
import { type Arrival, epochMs, type HubClockState, millis } from "../../protocol/time.ts";

/** A clock of the sensor, `YYYY-MM-DDTHH:mm:ss`, that was read or set when it truly was `at`. */
export interface Shown {
  readonly clock: string;
  readonly at: string;
  readonly hasWrongWeekday?: boolean;
}

/** One case of the matrix. Times without a zone are UTC where they say `at`, and the sensor's own else. */
export interface Situation {
  readonly it: string;
  /** The stamp as the sensor has it; null: none. */
  readonly stamp: string | DateTime | null;
  /** When the record truly reached the hub. */
  readonly at: string;
  /** What the hub's clock said then: the truth where left out, null while it is not set. */
  readonly hubSays?: string | null;
  readonly hub?: HubClockState;
  /** Default 20 ms. */
  readonly hubErrorMs?: number | null;
  /** The sensor's clock as it was read first. */
  readonly shown?: Shown;
  /** Its clock as it was when the hub set it at earlier connections. */
  readonly ended?: readonly Shown[];
  /** Its clock as it was read after it was set. */
  readonly set?: Shown;
  /** The pairs are of this boot, the record of `boot-1`. */
  readonly pairBoot?: string;
  readonly zone?: string;
  readonly offsetMin?: number;
  readonly weekday?: number;
  readonly durationMs?: number;
  readonly receptionDelayMs?: number;
  readonly isStored?: boolean;
  /** Day on which the sensor was made. */
  readonly made?: string;
  /** When it was truly measured; left out: the expected start is the truth. */
  readonly truth?: string;
  readonly expect: {
    readonly start: string | null;
    readonly end?: string;
    /** Largest uncertainty that is fair, in milliseconds; null: unknown. */
    readonly within: number | null;
    readonly basis: TimeBasis;
    readonly faults?: readonly TimeFault[];
  };
}

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** The machine was started then, and nothing stops its monotonic clock. */
const BOOT = Date.parse("2024-01-01T00:00:00Z");
/** Half the round trip of a clock's reading, and its second. */
const PAIR_UNCERTAINTY = 1050;
const zones = createZones();

const utc = (text: string): number => Date.parse(`${text}Z`);

const arrivalOf = (row: Situation): Arrival => {
  const { hubSays = row.at, hubErrorMs = 20, hub = "ntp" } = row;
  return {
    utc: hubSays === null ? null : epochMs(utc(hubSays)),
    bootId: "boot-1",
    monoMs: millis(utc(row.at) - BOOT),
    hubClock: hubSays === null ? { state: "unset", errorMs: null } : { state: hub, errorMs: hubErrorMs },
  };
};

/** The hub's own time in a pair is not looked at: its monotonic time is what counts. */
const pairOf = ({ clock, at, hasWrongWeekday }: Shown, row: Situation): ClockPair => ({
  device: clock,
  hub: { ...arrivalOf(row), utc: null, bootId: row.pairBoot ?? "boot-1", monoMs: millis(utc(at) - BOOT) },
  uncertaintyMs: PAIR_UNCERTAINTY,
  ...(hasWrongWeekday === true ? { hasWrongWeekday } : {}),
  ...(row.ended === undefined
    ? {}
    : {
        ended: row.ended.map((end) => ({
          device: end.clock,
          utcMs: utc(end.at),
          uncertaintyMs: PAIR_UNCERTAINTY + 20,
        })),
      }),
});

const stampOf = (stamp: Situation["stamp"]): DateTime | null => {
  if (typeof stamp !== "string") return stamp;
  const parts = dateTimeOfText(stamp);
  if (parts === null) throw new Error(`test: ${stamp} is no stamp`);
  return parts;
};

/** What readingTime is given. */
export const inputOf = (row: Situation): TimeInput => {
  const device = stampOf(row.stamp);
  const at = arrivalOf(row);
  const pairs = {
    before: row.shown === undefined ? null : pairOf(row.shown, row),
    after: row.set === undefined ? null : pairOf(row.set, row),
  };
  return {
    device,
    offsetMin: row.offsetMin ?? null,
    weekday: row.weekday ?? null,
    durationMs: row.durationMs ?? 0,
    receptionDelayMs: row.receptionDelayMs ?? MINUTE,
    at,
    pair: pairFor(device, pairs, at.monoMs),
    zone: zones.zone(row.zone ?? "Europe/Stockholm"),
    isStored: row.isStored ?? false,
    madeMs: row.made === undefined ? null : utc(`${row.made}T00:00:00`),
  };
};

/** The time of a case is what the case expects, and off the truth by no more than it says. */
export const check = (row: Situation, time: ReadingTime = readingTime(inputOf(row))): void => {
  const { start, end, within, basis, faults = [] } = row.expect;
  const iso = (text: string): string => `${text}${text.includes(".") ? "" : ".000"}Z`;
  expect(time).toMatchObject({ start: start === null ? null : iso(start), basis, faults });
  if (end !== undefined) expect(time.end).toBe(iso(end));
  if (within === null) {
    expect(time.uncertaintyMs).toBeNull();
    return;
  }
  expect(time.uncertaintyMs).toBeLessThanOrEqual(within);
  const off = Math.abs(Date.parse(time.start ?? "") - utc(row.truth ?? start ?? ""));
  expect(time.uncertaintyMs).toBeGreaterThanOrEqual(off);
};
