import { performance } from "node:perf_hooks";
import type { Clock } from "../../protocol/ports/clock.ts";
import { epochMs, type Millis, millis } from "../../protocol/time.ts";

/** Longest single timer: setTimeout takes a signed 32-bit count, and fires at once above it (2^31 - 1 ms, 24.8 days). */
const LONGEST_TIMER = 2_147_483_647;

/** The machine's clocks. */
export const createSystemClock = (): Clock => {
  const elapsed = (): Millis => millis(performance.now());
  return {
    now: () => epochMs(Date.now()),
    elapsed,
    sleep: (delay, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const due = elapsed() + delay;
        let timer: NodeJS.Timeout;
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal.reason);
        };
        const arm = (): void => {
          timer = setTimeout(
            () => {
              if (elapsed() < due) return arm();
              signal.removeEventListener("abort", onAbort);
              resolve();
            },
            Math.min(Math.max(0, Math.ceil(due - elapsed())), LONGEST_TIMER),
          );
        };
        signal.addEventListener("abort", onAbort, { once: true });
        arm();
      }),
  };
};
