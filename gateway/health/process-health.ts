import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Sampling period of the event-loop monitor: 20 wake-ups a second. Node adds it to every figure; it is taken off again. */
const RESOLUTION_MS = 50;

export interface HealthSample {
  readonly uptimeS: number;
  readonly rssMb: number;
  /** Longest delay of the event loop since the sample before. */
  readonly loopLagMs: number;
  /** Open file descriptors; null where the system does not tell. */
  readonly openFiles: number | null;
}

/** Null where the system does not tell. */
export interface OpenFiles {
  readonly open: number | null;
  /** How many may be open (RLIMIT_NOFILE). */
  readonly limit: number | null;
}

export interface ProcessHealth extends Disposable {
  sample(): HealthSample;
  files(): OpenFiles;
  /** Longest delay of the event loop since the last call, whoever took samples meanwhile. */
  longestBlockMs(): number;
}

const fileLimit = (): number | null => {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
};

const isExhausted = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && thrown.code === "EMFILE";

/** Gauges of this process: memory, event loop, file descriptors. */
export const createProcessHealth = (): ProcessHealth => {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  /** As last known: when every descriptor is taken, nothing can be looked up. */
  let limit = fileLimit();
  let sampled = 0;
  let watched = 0;

  const openFiles = (): number | null => {
    try {
      return readdirSync("/proc/self/fd").length;
    } catch (thrown) {
      return isExhausted(thrown) ? limit : null;
    }
  };

  const look = (): void => {
    const lag = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
    delay.reset();
    sampled = Math.max(sampled, lag);
    watched = Math.max(watched, lag);
  };

  return {
    sample: () => {
      look();
      const lag = sampled;
      sampled = 0;
      return {
        uptimeS: Math.round(process.uptime()),
        rssMb: Math.round(process.memoryUsage.rss() / 104_857.6) / 10,
        loopLagMs: Math.round(lag * 10) / 10,
        openFiles: openFiles(),
      };
    },
    files: () => {
      limit = fileLimit() ?? limit;
      return { open: openFiles(), limit };
    },
    longestBlockMs: () => {
      look();
      const lag = watched;
      watched = 0;
      return lag;
    },
    [Symbol.dispose]: () => delay.disable(),
  };
};
