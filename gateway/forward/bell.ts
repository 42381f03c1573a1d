import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";

/** Wakes one waiting loop. Rings while nobody waits are remembered as one. */
export interface Bell {
  ring(): void;
  /** Resolves at a ring, after `delay` (null: never), or when the signal aborts; the caller looks which it was. */
  wait(delay: Millis | null, signal: AbortSignal): Promise<void>;
}

const timedOut = (): void => undefined;

export const createBell = (clock: Clock): Bell => {
  let rung = false;
  let wake: (() => void) | null = null;

  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    wait: async (delay, signal) => {
      if (!rung && !signal.aborted) {
        const timer = new AbortController();
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true, signal: timer.signal });
          // The sleep is only ever cut short by `timer`, and then nobody listens any more.
          if (delay !== null) void clock.sleep(delay, timer.signal).then(resolve, timedOut);
        });
        // Without a reason of ours each wait would make an exception with its stack.
        timer.abort(null);
        wake = null;
      }
      rung = false;
    },
  };
};
