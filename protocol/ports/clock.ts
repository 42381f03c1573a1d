import type { Arrival, EpochMs, Millis } from "../time.ts";

/** The only source of time and timers. One real implementation, one simulated. */
export interface Clock {
  /** Wall clock; may jump either way. */
  now(): EpochMs;
  /** Monotonic, from an arbitrary zero; never decreases. */
  elapsed(): Millis;
  /** Resolves after `delay` of monotonic time, however long (no 2^31 ms limit). Rejects with the signal's reason. */
  sleep(delay: Millis, signal: AbortSignal): Promise<void>;
}

/** Stamps arrivals with both clocks and with how far the wall clock can be trusted. */
export interface HubTime {
  stamp(): Arrival;
}
