import type { TimeBasis, TimeFault } from "../../protocol/reading.ts";
import type { Arrival } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import type { Zone } from "./zone.ts";

/** What is known about when a record was measured. */
export interface TimeInput {
  /** The sensor's own stamp; null where the record has none. */
  readonly device: DateTime | null;
  /** Minutes ahead of UTC that the sensor sent with its stamp; null where its time is the home's local time. */
  readonly offsetMin: number | null;
  /** ISO day of the week (Monday 1) that the sensor sent with its stamp, null where it sent none. */
  readonly weekday: number | null;
  readonly durationMs: number;
  /** Longest time from measurement to reception of a record that the sensor did not store. */
  readonly receptionDelayMs: number;
  readonly at: Arrival;
  /** Sensor and hub clock read together on this connection, on the timeline that the record belongs to. */
  readonly pair: ClockPair | null;
  readonly zone: Zone;
  /** The sensor says that it stored the record: its reception tells nothing about when it was measured. */
  readonly isStored?: boolean;
  /** UTC milliseconds of the day on which the sensor was made, where that is known (manufacture.ts). */
  readonly madeMs?: number | null;
}

/** The beginning of a measurement, and how far that can be trusted. `utc` null: not known. */
export interface Start {
  readonly utc: number | null;
  readonly basis: TimeBasis;
  /** Null where `utc` is, or where the hub does not know its own error. */
  readonly uncertaintyMs: number | null;
  readonly faults: readonly TimeFault[];
}

export const unknownStart = (...faults: TimeFault[]): Start => ({
  utc: null,
  basis: "unknown",
  uncertaintyMs: null,
  faults,
});

/** Hub error added to what is known of the sensor; unknown plus anything is unknown. */
export const withHubError = (ms: number, at: Arrival): number | null =>
  at.hubClock.errorMs === null ? null : Math.ceil(ms + at.hubClock.errorMs);
