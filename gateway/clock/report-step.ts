import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { ClockStep } from "./hub-time.ts";

/** A smaller step of a clock that was trusted is somebody's NTP doing its work. */
const WORTH_SAYING = 60_000;

const inWords = (ms: number): string => {
  const minutes = Math.round(Math.abs(ms) / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};

/**
 * Says that a clock that was believed has been set by a minute or more: readings stored before keep the time that they
 * were given, and one of the two is wrong. A clock that was not believed and now is, is no fault.
 */
export const reportStep = ({ byMs, before, after }: ClockStep, report: ReportEvent): void => {
  if (before === "unset" || Math.abs(byMs) < WORTH_SAYING) return;
  const message =
    after === "unset"
      ? "the hub's clock was set to a time that cannot be right; readings are timed when it is right again"
      : `the hub's clock was set ${byMs > 0 ? "forward" : "back"} by ${inWords(byMs)}; readings stored before keep the time they have`;
  report("clock-fault", message, { byMs: Math.round(byMs), before, after });
};
