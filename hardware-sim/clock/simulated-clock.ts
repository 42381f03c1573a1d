import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import { type Arrival, type EpochMs, epochMs, type HubClockState, type Millis, millis } from "../../protocol/time.ts";

interface Sleeper {
  readonly due: number;
  readonly order: number;
  wake(): void;
}

export interface SimulatedClock extends Clock, HubTime {
  /** Let `span` pass: sleepers wake in the order of their deadlines, and what they then do runs before the next one. */
  advance(span: Millis): Promise<void>;
  /** Set the wall clock, as an operator or NTP would: monotonic time and sleepers are not touched. */
  setWallClock(at: EpochMs, state?: HubClockState): void;
  /** How many sleepers wait. */
  readonly sleeping: number;
}

export interface SimulatedClockOptions {
  readonly startAt?: EpochMs;
  readonly state?: HubClockState;
  readonly bootId?: string;
  /**
   * Resolves when what a wake-up started outside of simulated time (a real disk) has come to rest; asked after the turns
   * between two wake-ups. So that time stands still while a real disk works. Default: there is no such thing.
   */
  readonly atRest?: () => Promise<void>;
}

/** Turns of the event loop between two wake-ups: enough for promise chains and one round of I/O callbacks. */
const TURNS_BETWEEN_WAKES = 4;

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock that stands still until it is advanced. Starts at 2026-06-15T12:00:00Z, synchronised, unless told otherwise. */
export const createSimulatedClock = (options: SimulatedClockOptions = {}): SimulatedClock => {
  let elapsed = 0;
  let wallAtZero: number = options.startAt ?? Date.UTC(2026, 5, 15, 12, 0, 0);
  let state: HubClockState = options.state ?? "ntp";
  let order = 0;
  const sleepers = new Set<Sleeper>();

  const comeToRest = async (): Promise<void> => {
    for (let i = 0; i < TURNS_BETWEEN_WAKES; i++) await turn();
    await options.atRest?.();
  };

  const nextDue = (limit: number): Sleeper | undefined =>
    [...sleepers].filter((one) => one.due <= limit).sort((a, b) => a.due - b.due || a.order - b.order)[0];

  return {
    now: () => epochMs(wallAtZero + elapsed),
    elapsed: () => millis(elapsed),
    get sleeping() {
      return sleepers.size;
    },
    sleep: (delay, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        order += 1;
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          due: elapsed + Math.max(0, delay),
          order,
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", onAbort, { once: true });
      }),
    advance: async (span) => {
      const end = elapsed + span;
      await comeToRest();
      for (let sleeper = nextDue(end); sleeper !== undefined; sleeper = nextDue(end)) {
        elapsed = Math.max(elapsed, sleeper.due);
        sleeper.wake();
        await comeToRest();
      }
      elapsed = end;
    },
    setWallClock: (at, newState) => {
      wallAtZero = at - elapsed;
      if (newState !== undefined) state = newState;
    },
    stamp: (): Arrival => ({
      utc: state === "unset" ? null : epochMs(wallAtZero + elapsed),
      bootId: options.bootId ?? "boot-simulated",
      monoMs: millis(elapsed),
      hubClock: { state, errorMs: state === "unset" ? null : 20 },
    }),
  };
};
