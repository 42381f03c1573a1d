import type { ReadingTime, TimeFault } from "../../protocol/reading.ts";
import { epochMs, isoUtc } from "../../protocol/time.ts";
import { type DateTime, rawTextOf, weekday as weekdayOf } from "../decode/date-time.ts";
import { civilMs } from "./civil-time.ts";
import { lostClockFault } from "./lost-clock.ts";
import { stampedStart } from "./stamped-start.ts";
import { type Start, type TimeInput, unknownStart, withHubError } from "./time-input.ts";
import { fixedZone } from "./zone.ts";

export type { TimeInput } from "./time-input.ts";

const byReception = (input: TimeInput): Start => {
  const { at, durationMs, isStored, receptionDelayMs } = input;
  if (at.utc === null) return unknownStart();
  // It was measured at some time before, and nobody wrote down when.
  if (isStored) return unknownStart("timeline-unknown");
  const uncertaintyMs = withHubError(receptionDelayMs, at);
  return { utc: at.utc - durationMs, basis: "reception", uncertaintyMs, faults: [] };
};

/** What shows without the time of the hub. */
const unsetStart = (civil: number, { madeMs = null }: TimeInput): Start => {
  const lost = lostClockFault(civil, null, madeMs);
  return lost === null ? unknownStart() : unknownStart(lost);
};

const byDevice = (device: DateTime, input: TimeInput): Start => {
  const civil = civilMs(device);
  if (civil === null) return unknownStart("incomplete-date");
  const { at, pair, weekday } = input;
  const start = at.utc === null ? unsetStart(civil, input) : stampedStart(civil, at.utc, input);
  const isMismatch = weekday !== null && weekday !== weekdayOf(device);
  if (!isMismatch && pair?.hasWrongWeekday !== true) return start;
  const faults: readonly TimeFault[] = [...start.faults, "weekday-mismatch"];
  return { ...start, faults };
};

/**
 * The pair with the hub's side on its clock as it is trusted now, so that a clock set in between does no harm. While
 * the clock is not set, the monotonic time stands in for it, until it is back-filled.
 */
const coincidentOf = ({ pair, at }: TimeInput): ReadingTime["coincident"] => {
  if (pair === null || pair.hub.bootId !== at.bootId) return null;
  const { device, hub, uncertaintyMs, ended } = pair;
  if (at.utc !== null) return { device, hub: isoUtc(epochMs(at.utc - (at.monoMs - hub.monoMs))) };
  const open = { device, hub: null, monoMs: hub.monoMs, uncertaintyMs };
  return ended === undefined ? open : { ...open, ended };
};

const iso = (utc: number | null): string | null => (utc === null ? null : isoUtc(epochMs(utc)));

/**
 * When a record was measured (design protocol.md, Time). It never guesses: where the clocks do not tell, `start` is
 * null and the raw stamp, the boot id and the monotonic time stay.
 *
 * - No stamp: the time of reception; with a duration, reception is its end. A stored record without a stamp: unknown.
 * - A stamp and a pair that agrees with the hub: the stamp, read in the home's zone (`device-synced`).
 * - A stamp and a pair that does not agree: shifted by hub - device (`device-corrected`); no zone is needed, so a
 *   sensor that nobody turned at the change of clocks comes out right.
 * - A stamp without a pair: kept where it was received within two minutes of what it says; else unknown.
 * - A stamp after its own reception, or from before the clock was set or lost its time: unknown, with the faults.
 * - The hour that occurs twice or never when clocks are turned: the likelier side, an hour of uncertainty, `dst-fold`.
 * - Hub clock unset: unknown until it is back-filled (back-fill.ts).
 *
 * A start is off by no more than its uncertainty says, on what docs/decisions/2026-11-22-time.md takes for granted of
 * sensors. An uncertainty of null with a start: the hub does not know the error of its own clock.
 */
export const readingTime = (given: TimeInput): ReadingTime => {
  const input = given.offsetMin === null ? given : { ...given, zone: fixedZone(given.offsetMin) };
  const { at, device, durationMs } = input;
  const { utc, uncertaintyMs, basis, faults } = device === null ? byReception(input) : byDevice(device, input);
  const time: ReadingTime = {
    start: iso(utc),
    end: utc === null || durationMs === 0 ? null : iso(utc + durationMs),
    uncertaintyMs,
    basis,
    deviceRaw: device === null ? null : { text: rawTextOf(device), offsetMin: input.offsetMin },
    coincident: coincidentOf(input),
    received: { utc: iso(at.utc), bootId: at.bootId, monoMs: at.monoMs },
    hubClock: at.hubClock,
    faults,
  };
  return utc === null && durationMs !== 0 ? { ...time, durationMs } : time;
};
