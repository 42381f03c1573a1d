import { type EpochMs, epochMs } from "../../protocol/time.ts";

/** What is known about the present time. None of it is taken from NTP into anything that lasts. */
export interface TimeEvidence {
  /** The machine's wall clock; after a dead battery, 1970. */
  readonly systemClock: EpochMs;
  /** When the running release was built: it cannot be earlier. */
  readonly builtAt: EpochMs;
  /** When the newest metadata that was ever accepted was signed, by its own signed statement. */
  readonly lastSigned: EpochMs | null;
}

/**
 * The time that expiry is measured by, once per update: the latest that is known to have been. A clock that was set back
 * cannot bring expired metadata back to life; a clock that runs ahead refuses all, and does so only while it runs ahead.
 */
export const referenceTime = ({ systemClock, builtAt, lastSigned }: TimeEvidence): EpochMs =>
  epochMs(Math.max(systemClock, builtAt, lastSigned ?? 0));
