import type { Clock } from "../../protocol/ports/clock.ts";
import { epochMs, type Millis, millis } from "../../protocol/time.ts";

/** Longest single timer: setTimeout takes a signed 32-bit count, and fires at once above it (2^31 - 1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's clocks, for a simulated home that runs in real time beside a real hub. */
export const createRealClock = (): Clock => {
  const elapsed = (): Millis => millis(performance.now());
  return {
    now: () => epochMs(Date.now()),
    elapsed,
    sleep: (delay, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const due = elapsed() + delay;
        let timer: NodeJS.Timeout;
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal.reason);
        };
        const wake = (): void => {
          const left = due - elapsed();
          if (left > 0) {
            timer = setTimeout(wake, Math.min(Math.ceil(left), LONGEST_TIMER_MS));
            return;
          }
          signal.removeEventListener("abort", stop);
          resolve();
        };
        signal.addEventListener("abort", stop, { once: true });
        wake();
      }),
  };
};
