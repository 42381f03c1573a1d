import type { Clock } from "../../protocol/ports/clock.ts";
import { minutes } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { ProcessHealth } from "./process-health.ts";

const LOOK_EVERY = minutes(1);

/** Share of the file descriptors that may be open from which it is an alarm, and below which it is over. */
const FILES_HIGH = 0.8;
const FILES_AGAIN = 0.6;

/**
 * A hub that answers nobody for this long misses what sensors wait for (a confirmation within 30 s, 11 of them in a
 * memory transfer); ten times the longest block that is designed for is no accident.
 */
const BLOCK_MS = 5000;

export interface ProcessWatchOptions {
  readonly health: ProcessHealth;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** Looks once a minute at what the process lives from, and says when it runs out. */
export const createProcessWatch = ({ health, clock, report }: ProcessWatchOptions) => {
  let isShort = false;

  const lookAtFiles = (): void => {
    const { open, limit } = health.files();
    if (open === null || limit === null) return;
    const share = open / limit;
    if (!isShort && share >= FILES_HIGH) {
      isShort = true;
      const sentence = `${open} of ${limit} files are open in the hub; it may not be able to open its ports and its link. Restart it, and report this`;
      report("hub-fault", sentence, { state: "open-files", open, limit });
    } else if (isShort && share < FILES_AGAIN) {
      isShort = false;
      report("hub-fault", `files are free again: ${open} of ${limit} are open`, { state: "recovered", open, limit });
    }
  };

  const lookAtLoop = (): void => {
    const blockedMs = Math.round(health.longestBlockMs());
    if (blockedMs < BLOCK_MS) return;
    report(
      "hub-fault",
      `the hub stood still for ${blockedMs} ms; the machine is overloaded, or the hub is: look at what else runs on it`,
      { state: "blocked", blockedMs },
    );
  };

  return {
    /** Until `stop` aborts. */
    run: async (stop: AbortSignal): Promise<void> => {
      while (!stop.aborted) {
        lookAtFiles();
        lookAtLoop();
        // Only the stop interrupts the wait.
        await clock.sleep(LOOK_EVERY, stop).catch(() => undefined);
      }
    },
  };
};
