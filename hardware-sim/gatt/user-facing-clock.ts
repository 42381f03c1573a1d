import { millis, minutes } from "../../protocol/time.ts";
import { localFromMs, localMs } from "./date-time.ts";
import type { DeviceClock } from "./device-clock.ts";

/** Largest offset that the field holds: 0x7FFF and 0x8000 mean overrun and underrun (Glucose Service 1.0.1, 3.1). */
const MOST_OFFSET_MINUTES = 0x7ffe;
const MINUTE_MS = minutes(1);

/**
 * A glucose meter's two times: the base time runs undisturbed, and setting the clock changes the offset in minutes
 * from there to what the user reads. Only an offset too large for its field moves the base.
 */
export interface UserFacingClock extends DeviceClock {
  readonly base: DeviceClock;
  readonly offsetMinutes: number;
}

export const createUserFacingClock = (base: DeviceClock): UserFacingClock => {
  let offsetMinutes = 0;
  const readMs = (): number | null => {
    const ms = base.readMs();
    return ms === null ? null : ms + millis(offsetMinutes * MINUTE_MS);
  };
  return {
    base,
    get offsetMinutes() {
      return offsetMinutes;
    },
    readMs,
    read: () => {
      const ms = readMs();
      return ms === null ? null : localFromMs(ms);
    },
    set: (to) => {
      const from = base.readMs();
      if (from === null) return;
      const offset = Math.round((localMs(to) - from) / MINUTE_MS);
      if (Math.abs(offset) <= MOST_OFFSET_MINUTES) {
        offsetMinutes = offset;
        return;
      }
      base.set(to);
      offsetMinutes = 0;
    },
  };
};
