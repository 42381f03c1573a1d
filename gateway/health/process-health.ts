import { readdirSync } from "node:fs";
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

export interface ProcessHealth extends Disposable {
  sample(): HealthSample;
}

const openFiles = (): number | null => {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return null;
  }
};

/** Gauges of this process: memory, event loop, file descriptors. */
export const createProcessHealth = (): ProcessHealth => {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    sample: () => {
      const lag = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
      delay.reset();
      return {
        uptimeS: Math.round(process.uptime()),
        rssMb: Math.round(process.memoryUsage.rss() / 104_857.6) / 10,
        loopLagMs: Math.round(lag * 10) / 10,
        openFiles: openFiles(),
      };
    },
    [Symbol.dispose]: () => delay.disable(),
  };
};
