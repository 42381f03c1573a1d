import type { Clock } from "../../protocol/ports/clock.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";

/** What waits in the outbox, as far as an update has to know. */
export interface Backlog {
  readonly waiting: number;
  /** The oldest waiting reading is at most this old; null: it waited before this hub began to look. */
  readonly oldestAgeMs: Millis | null;
  /** The region has taken readings within the last MOST_LOOKS minutes. */
  readonly isDraining: boolean;
}

/** Looks at the outbox from time to time. Its numbers rise, so that two looks tell how old the oldest is at most. */
export interface BacklogWatch {
  now(): Backlog;
  /** Rejects never. */
  run(signal: AbortSignal): Promise<void>;
}

const LOOK_EVERY = minutes(1);
/** Looks that are remembered: what is older than ten minutes is old. */
const MOST_LOOKS = 10;

interface Look {
  readonly at: Millis;
  readonly newest: number;
  /** Readings that were given a number and do not wait any more. */
  readonly gone: number;
}

export const createBacklogWatch = (depth: Outbox["depth"], clock: Clock): BacklogWatch => {
  const look = (): Look => {
    const { waiting, newest } = depth();
    return { at: clock.elapsed(), newest: newest ?? 0, gone: (newest ?? 0) - waiting };
  };
  /** Oldest first. */
  let looks: readonly Look[] = [look()];

  const keep = (): void => {
    const latest = look();
    // An erase begins the numbers anew.
    const isAnew = latest.newest < (looks.at(-1)?.newest ?? 0);
    looks = isAnew ? [latest] : [...looks, latest].slice(-MOST_LOOKS);
  };

  return {
    now: () => {
      const { waiting, oldest } = depth();
      const { at, gone } = look();
      const before = looks.findLast(({ newest }) => oldest !== null && newest < oldest);
      return {
        waiting,
        oldestAgeMs: before === undefined ? null : millis(at - before.at),
        isDraining: waiting > 0 && looks.some((one) => one.gone < gone),
      };
    },
    run: async (signal) => {
      while (!signal.aborted) {
        keep();
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
  };
};
