import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { untilAborted } from "../../protocol/until-aborted.ts";

/** A part of the hub. Rejections are broken invariants: what a part expects to go wrong is its own business. */
export type Part = {
  /** Its name in the log. */
  readonly part: string;
  /** Latest end, counted from the beginning of the stop. */
  readonly by: Millis;
} & (
  | {
      /** Works until `stop` aborts and what it has begun is finished. */
      readonly run: (stop: AbortSignal) => Promise<void>;
    }
  | {
      /** Works when it is called, and has this to do at the end; `late` aborts when it has to give up. */
      readonly end: (late: AbortSignal) => Promise<void>;
    }
);

export interface RunPartsOptions {
  /** In the order in which they stop: what produces before what stores, what stores before the disk is let go. */
  readonly parts: readonly Part[];
  /** Resolves when the hub can be asked how it is. */
  readonly askable: Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Begin at once what will be a part among others; it stops as they do. */
export const begun = (run: (stop: AbortSignal) => Promise<void>): ((stop: AbortSignal) => Promise<void>) => {
  const stopping = new AbortController();
  const running = run(stopping.signal);
  // Whoever runs the part hears of it.
  running.catch(() => undefined);
  return (stop) => {
    const end = (): void => stopping.abort();
    if (stop.aborted) end();
    else stop.addEventListener("abort", end, { once: true });
    return running;
  };
};

interface Stage {
  readonly part: string;
  readonly by: Millis;
  readonly end: (late: AbortSignal) => Promise<void>;
}

/** Resolves with true when every stage ended in time. One that does not is named in the log and left behind. */
const stopInOrder = async (stages: readonly Stage[], clock: Clock, logger: Logger): Promise<boolean> => {
  const began = clock.elapsed();
  let inTime = true;
  for (const { part, by, end } of stages) {
    const late = new AbortController();
    const done = new AbortController();
    const ended = end(late.signal).then(() => true);
    const timeout = clock.sleep(millis(Math.max(0, began + by - clock.elapsed())), done.signal).then(
      () => false,
      () => true,
    );
    if (!(await Promise.race([ended, timeout]))) {
      inTime = false;
      logger.error("part does not stop in time, the hub ends without it", { part });
      // Nobody waits for it any more; how it fails after all does not matter to a process that ends.
      ended.catch(() => undefined);
      late.abort();
    }
    done.abort();
    await timeout;
  }
  return inTime;
};

/**
 * Start every part, and stop them in order when `signal` aborts. Resolves with true when all stopped in time; rejects
 * as soon as a part rejects.
 */
export const runParts = async (
  { parts, askable, clock, logger }: RunPartsOptions,
  signal: AbortSignal,
): Promise<boolean> => {
  const broken = Promise.withResolvers<never>();
  const stages = parts.map((one): Stage => {
    if ("end" in one) return one;
    const stopping = new AbortController();
    const running = one.run(stopping.signal);
    running.catch(broken.reject);
    const end = (): Promise<void> => {
      stopping.abort();
      return running;
    };
    return { part: one.part, by: one.by, end };
  });
  await Promise.race([askable, broken.promise]);
  logger.info("hub ready");
  await Promise.race([untilAborted(signal), broken.promise]);
  return Promise.race([stopInOrder(stages, clock, logger), broken.promise]);
};
