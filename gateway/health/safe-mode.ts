import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { MOST_CRASHES, type StartCounter } from "./start-counter.ts";

/** A hub that ran this long is no crash loop, whatever ends it then. */
export const STABLE = minutes(10);

/** Then the sensors are tried again: what made the hub crash may be gone, and a patient measures every day. */
export const SAFE_FOR = minutes(30);

/** Whether this start reads no sensors, because the ones before came to nothing. */
export const isSafeMode = ({ crashes }: Pick<StartCounter, "crashes">): boolean => crashes >= MOST_CRASHES;

export const SAFE_MODE_SENTENCE =
  `the hub crashed ${MOST_CRASHES} times in a row and reads no sensor for ${SAFE_FOR / 60_000} minutes; readings that it ` +
  "took before are sent. Have its log looked at, and unplug or disable the sensor that was used last";

export interface SafeModeOptions {
  readonly starts: StartCounter;
  readonly isSafe: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Begin anew, with sensors. */
  readonly leave: () => void;
}

/**
 * Watches over the life of this process. In safe mode the store, the link, the console and the socket work and no sensor
 * is read: sensors are where most bytes come from that nobody of ours wrote, and those with a memory keep their
 * readings. That the backlog and the alarm reach the region, and that a technician finds a console, is worth more than
 * a hub that tries to read and falls over every few seconds.
 */
export const watchOverStarts = async (options: SafeModeOptions, stop: AbortSignal): Promise<void> => {
  const { starts, isSafe, clock, logger, report, leave } = options;
  if (isSafe) {
    logger.error("safe mode: no sensor is read", { count: starts.crashes });
    report("hub-fault", SAFE_MODE_SENTENCE, { state: "safe-mode", crashes: starts.crashes });
  }
  // Only the stop interrupts the wait.
  await clock.sleep(isSafe ? SAFE_FOR : STABLE, stop).catch(() => undefined);
  if (!stop.aborted && isSafe) leave();
  else if (!stop.aborted) {
    if (isSafeMode(starts)) report("hub-fault", "the hub runs with its sensors again", { state: "recovered" });
    await starts.succeeded();
  }
};
