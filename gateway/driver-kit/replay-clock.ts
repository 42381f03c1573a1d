import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import { type EpochMs, epochMs, type HubClockState, type Millis, millis } from "../../protocol/time.ts";

/** Time of a replay. It stands still until it is moved, so that every replay of a capture is the same. */
export interface ReplayClock extends Clock, HubTime {
  /** When the next sleeper is due; null where nobody sleeps. */
  readonly nextDue: Millis | null;
  /** Move to `at` (never back) and wake who is due by then, in order; resolves when what they do has come to rest. */
  moveTo(at: Millis): Promise<void>;
  /** Let what is under way come to rest without time passing. */
  settle(): Promise<void>;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** One turn of the event loop runs every promise chain to its end, and a session waits for nothing but its ports. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `state` is how the hub's clock is kept. The boot is always the same: a replay has no past. */
export const createReplayClock = (startAt: EpochMs, state: HubClockState): ReplayClock => {
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();

  /** Of two that are due together, the one that began to sleep first: sets keep the order of adding. */
  const first = (): Sleeper | null => {
    let found: Sleeper | null = null;
    for (const one of sleepers) if (found === null || one.due < found.due) found = one;
    return found;
  };

  return {
    now: () => epochMs(startAt + elapsed),
    elapsed: () => millis(elapsed),
    stamp: () => ({
      utc: state === "unset" ? null : epochMs(startAt + elapsed),
      bootId: "replay",
      monoMs: millis(elapsed),
      hubClock: { state, errorMs: state === "unset" ? null : 20 },
    }),
    get nextDue() {
      const next = first();
      return next === null ? null : millis(next.due);
    },
    sleep: (delay, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          due: elapsed + Math.max(0, delay),
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", onAbort, { once: true });
      }),
    moveTo: async (at) => {
      for (let next = first(); next !== null && next.due <= at; next = first()) {
        elapsed = Math.max(elapsed, next.due);
        next.wake();
        await settle();
      }
      elapsed = Math.max(elapsed, at);
    },
    settle,
  };
};
