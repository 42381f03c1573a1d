import type { Logger } from "../../protocol/ports/logger.ts";
import { localOf } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { exchangePair, timeToSet } from "../normalise/timeline.ts";
import type { Zone } from "../normalise/zone.ts";
import type { MeterLine } from "./meter-line.ts";
import type { ClockShown, MeterClock } from "./meter-protocol.ts";

/** A clock without seconds shows a minute from its beginning to its end. */
const MINUTE = 60_000;

/**
 * Both clocks at one moment; null where the meter shows no complete date. A clock without seconds is known to the minute
 * only.
 */
export const meterPair = ({ shown, asked, answered }: ClockShown): ClockPair | null => {
  const local = localOf(shown);
  if (local === null) return null;
  const pair = exchangePair(local, asked, answered);
  return shown.second === null ? { ...pair, uncertaintyMs: pair.uncertaintyMs + MINUTE } : pair;
};

/** Reads of a clock that was shown already on the way: that first, and then what the meter shows when it is asked. */
export const shownBefore = (
  first: ClockShown | null,
  ask: () => Promise<ClockShown | null>,
): (() => Promise<ClockShown | null>) => {
  let known = first;
  return async () => {
    const shown = known ?? (await ask());
    known = null;
    return shown;
  };
};

export interface ClockCheck {
  readonly clock: MeterClock;
  readonly shown: ClockShown;
  readonly line: Pick<MeterLine, "stamp">;
  readonly zone: Zone;
  readonly logger: Logger;
}

/**
 * Set the clock where it is off and the hub's own is trusted, and read it again. One that is set to the running minute
 * may be a minute behind from then on: that is not off. False where the meter would not take it.
 */
export const setMeterClock = async ({ clock, shown, line, zone, logger }: ClockCheck): Promise<boolean> => {
  const pair = meterPair(shown);
  const slack = clock.setsTo === "minutes" ? MINUTE : 0;
  const local = timeToSet(
    pair === null ? null : { ...pair, uncertaintyMs: pair.uncertaintyMs + slack },
    line.stamp(),
    zone,
  );
  if (local === null || clock.set === null) return true;
  const isSet = await clock.set(local);
  const again = isSet ? await clock.read() : null;
  const after = again === null ? null : meterPair(again);
  if (after === null) {
    logger.warn("sensor clock not set");
    return false;
  }
  logger.info("sensor clock set");
  return timeToSet({ ...after, uncertaintyMs: after.uncertaintyMs + slack }, line.stamp(), zone) === null;
};
