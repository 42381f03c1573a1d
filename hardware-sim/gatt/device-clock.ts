import type { Clock } from "../../protocol/ports/clock.ts";
import type { EpochMs, Millis } from "../../protocol/time.ts";
import { type LocalDateTime, localFromMs, localMs } from "./date-time.ts";

/** How a sensor's clock stands when it leaves its box: right, off by some time, at its factory date, or absent. */
export type ClockState =
  | { readonly tag: "right" }
  | { readonly tag: "offset"; readonly by: Millis }
  | { readonly tag: "factory" }
  | { readonly tag: "none" };

/** What many clocks show that nobody has set. */
const FACTORY_DATE: LocalDateTime = { year: 2010, month: 1, day: 1, hours: 0, minutes: 0, seconds: 0 };

/** Milliseconds of local time in `zone`, on a calendar without zones. */
export const localMsIn = (zone: string, at: EpochMs): number => {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local + (at % 1000);
};

/** A sensor's own clock: it runs on whatever it was set to, without zone or summer time. */
export interface DeviceClock {
  /** Null where it has none. */
  read(): LocalDateTime | null;
  /** The same with its milliseconds, on a calendar without zones. */
  readMs(): number | null;
  set(to: LocalDateTime): void;
}

export interface DeviceClockOptions {
  readonly clock: Clock;
  /** IANA zone of the home. */
  readonly zone: string;
  readonly state: ClockState;
}

export const createDeviceClock = ({ clock, zone, state }: DeviceClockOptions): DeviceClock => {
  const start = (): number | null => {
    switch (state.tag) {
      case "right":
        return localMsIn(zone, clock.now());
      case "offset":
        return localMsIn(zone, clock.now()) + state.by;
      case "factory":
        return localMs(FACTORY_DATE);
      case "none":
        return null;
    }
  };
  let shownAtStart = start();
  let startedAt = clock.elapsed();
  const readMs = (): number | null => (shownAtStart === null ? null : shownAtStart + clock.elapsed() - startedAt);
  return {
    readMs,
    read: () => {
      const ms = readMs();
      return ms === null ? null : localFromMs(ms);
    },
    set: (to) => {
      if (shownAtStart === null) return;
      shownAtStart = localMs(to);
      startedAt = clock.elapsed();
    },
  };
};
