import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import type { ServiceNotify } from "./service-notify.ts";

/** An event loop that is later than this stood still: ten times the longest block that is designed for. */
const MOST_LATE = seconds(5);

export interface ServiceWatchOptions {
  readonly notify: ServiceNotify;
  /** Resolves when the hub does its work. */
  readonly ready: Promise<void>;
  /**
   * Settles when the outbox has answered, with whatever: that it refuses for want of space is known, and no restart
   * helps. One that does not settle shows a disk or a pool of threads that nothing comes back from.
   */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells the supervisor that the hub is ready, and then that it lives, while the event loop turns and the outbox
 * answers. Without these signs the supervisor ends the process and starts another.
 */
export const createServiceWatch = ({ notify, ready, probe, clock, logger }: ServiceWatchOptions) => {
  /** Never more than one: what hangs must not pile up. */
  let asked: Promise<void> | null = null;

  const answers = async (within: Millis, stop: AbortSignal): Promise<boolean> => {
    asked ??= probe()
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        asked = null;
      });
    const enough = new AbortController();
    const tooLong = clock.sleep(within, AbortSignal.any([stop, enough.signal])).then(
      () => false,
      () => stop.aborted,
    );
    const answered = await Promise.race([asked.then(() => true), tooLong]);
    enough.abort();
    await tooLong;
    return answered;
  };

  /** Until a sign may be given, or `stop` aborts. */
  const nextSign = async (every: Millis, stop: AbortSignal): Promise<boolean> => {
    const from = clock.elapsed();
    // Only the stop interrupts the wait.
    await clock.sleep(every, stop).catch(() => undefined);
    const late = clock.elapsed() - from - every;
    if (stop.aborted) return false;
    if (late > MOST_LATE) {
      logger.warn("no sign of life to the supervisor: the hub stood still", {
        reason: `${Math.round(late)} ms late`,
      });
      return false;
    }
    if (await answers(every, stop)) return true;
    logger.error("no sign of life to the supervisor: the outbox does not answer");
    return false;
  };

  return {
    /** Until `stop` aborts. Signs go on while other parts stop, as long as this one is told to. */
    run: async (stop: AbortSignal): Promise<void> => {
      const stopped = new Promise<void>((resolve) => {
        if (stop.aborted) resolve();
        else stop.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([ready, stopped]);
      if (stop.aborted) return;
      await notify.tell("ready");
      const { every } = notify;
      while (every !== null && !stop.aborted) {
        if (await nextSign(every, stop)) await notify.tell("alive");
      }
    },
  };
};
