import type { DayWindow, Reason, ReasonCode, WantedRelease } from "../../ota/update/update-state.ts";
import { type EpochMs, type Millis, minutes } from "../../protocol/time.ts";
import type { Backlog } from "./care-backlog.ts";

/** Readings that wait for less than this are on their way, not a backlog: a region answers within seconds. */
export const BACKLOG_AGE: Millis = minutes(10);

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** How things are at the hub when a new release could be started. */
export interface CareCircumstances {
  /** What a restart would interrupt, as a clause (`sensor cuff is measuring`); null: nothing. */
  readonly measuring: string | null;
  /** There is a link to the region. */
  readonly isOnline: boolean;
  /** Minutes after midnight in the home's zone; null while the hub does not know the time. */
  readonly minuteOfDay: number | null;
  /** When nothing is to be restarted in this home; null: there are none. */
  readonly quietHours: DayWindow | null;
  readonly backlog: Backlog;
}

/** Of an instant in a zone that is `offsetMs` ahead of UTC. */
export const minuteOfDay = (utc: EpochMs, offsetMs: number): number => {
  const minute = Math.floor((utc + offsetMs) / MINUTE_MS) % DAY_MINUTES;
  return minute < 0 ? minute + DAY_MINUTES : minute;
};

/** From `from` to before `to`. Empty where both are the same; 0 to 1440 is the whole day. */
export const isWithin = ({ from, to }: DayWindow, minute: number): boolean =>
  from <= to ? minute >= from && minute < to : minute >= from || minute < to;

const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

const spanText = ({ from, to }: DayWindow): string => `${clockText(from)} to ${clockText(to)}`;

/** Never may it begin where the window lies in the quiet hours; somebody has to change one of them. */
const leavesTime = (window: DayWindow, quiet: DayWindow | null): boolean =>
  Array.from({ length: DAY_MINUTES }, (_, minute) => minute).some(
    (minute) => isWithin(window, minute) && (quiet === null || !isWithin(quiet, minute)),
  );

const reason = (code: ReasonCode, sentence: string): Reason => ({ code, sentence: `update: ${sentence}` });

const timeUnknown = (what: string): Reason =>
  reason(
    "time-unknown",
    `it has ${what}, and this hub does not know the time yet; it goes on once the time has been set`,
  );

const windowFirst = (
  { window }: WantedRelease,
  { minuteOfDay: minute, quietHours }: CareCircumstances,
): Reason | null => {
  if (window === null) return null;
  if (!leavesTime(window, quietHours)) {
    const next = "the region gives another window, or somebody installs it by hand";
    const what = `the region's window, ${spanText(window)}, leaves no time outside of this home's quiet hours`;
    return reason("outside-window", `${what}; ${next}`);
  }
  if (minute === null) return timeUnknown("a time of day");
  if (isWithin(window, minute)) return null;
  return reason("outside-window", `the region lets it begin from ${spanText(window)}; until then it waits`);
};

const quietFirst = ({ minuteOfDay: minute, quietHours }: CareCircumstances): Reason | null => {
  if (quietHours === null) return null;
  if (minute === null) return timeUnknown("quiet hours to keep");
  if (!isWithin(quietHours, minute)) return null;
  return reason("quiet-hours", `this home has quiet hours from ${spanText(quietHours)}; it begins after them`);
};

const backlogFirst = ({ waiting, oldestAgeMs, isDraining }: Backlog): Reason | null => {
  const isSettled = waiting === 0 || (oldestAgeMs !== null && oldestAgeMs <= BACKLOG_AGE);
  if (isSettled) return null;
  const next = isDraining
    ? "the region is taking them; it begins when that is done"
    : "the region does not take them; look at `link`, or install it by hand";
  return reason("backlog", `${waiting} readings wait for the region; ${next}`);
};

/**
 * Why a release that is ready is not started now; null: a restart harms nobody. Pure.
 *
 * | circumstance            | routine | soon  | critical | by hand                            |
 * | ----------------------- | ------- | ----- | -------- | ---------------------------------- |
 * | a measurement           | waits   | waits | waits    | waits                              |
 * | no link to the region   | waits   | waits | waits    | waits, unless it is from a folder  |
 * | outside of the window   | waits   | goes  | goes     | goes                               |
 * | quiet hours             | waits   | waits | goes     | goes                               |
 * | a backlog               | waits   | waits | goes     | goes                               |
 *
 * Without a link nothing tells whether the release can reach the region. Somebody who stands before the hub with a stick
 * may decide that; its trial then demands no broker (trial.ts).
 */
export const careComesFirst = (
  wanted: WantedRelease,
  isByHand: boolean,
  circumstances: CareCircumstances,
): Reason | null => {
  const { measuring, isOnline, backlog } = circumstances;
  if (measuring !== null) return reason("measuring", `${measuring}; it begins when that is over`);
  if (!isOnline && !(isByHand && wanted.folder !== null)) {
    const next = "it begins when the link is back";
    return reason("offline", `there is no link to the region, so nothing would show that the release has one; ${next}`);
  }
  if (isByHand || wanted.urgency === "critical") return null;
  const ofWindow = wanted.urgency === "routine" ? windowFirst(wanted, circumstances) : null;
  return ofWindow ?? quietFirst(circumstances) ?? backlogFirst(backlog);
};
