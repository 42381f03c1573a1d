import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { SerialMeasurement } from "./measurement.ts";
import type { LineOutcome, SerialLine } from "./serial-line.ts";

/** A meter at the end of a line that answers a hub's commands. */
export interface SerialMeter extends AsyncDisposable {
  /** Ground truth, in order of measuring. */
  readonly measurements: readonly SerialMeasurement[];
  /** Commands that no hub may send, such as the erasing of the memory, as they came. */
  readonly violations: readonly string[];
  /** Its clock, which may be wrong: milliseconds ahead of the home's local time. */
  readonly clockError: Millis;
  setClockError(error: Millis): void;
  /** For the line: bytes from the hub. */
  receive(bytes: Uint8Array): void;
}

export interface SerialMeterOptions {
  readonly clock: Clock;
  /** Local time of the home now, in milliseconds as if it were UTC. */
  readonly localTime: () => number;
  readonly clockError?: Millis;
  /** Its line; a function, because line and meter need each other. */
  readonly line: () => SerialLine;
  /** How many records it holds. Default: as many as the model. */
  readonly memory?: number;
}

/** Most violations that are kept; one is too many already. */
const MAX_VIOLATIONS = 100;

/** What every meter has around its protocol: a clock of its own, and answers that leave one after another. */
export interface MeterCore {
  readonly clock: Clock;
  readonly violations: readonly string[];
  clockError: Millis;
  /** What its clock shows, on a calendar without zones. */
  readonly shownMs: number;
  setShown(localMs: number): void;
  violate(command: string): void;
  /** Send, after everything that was said before. */
  say(bytes: Uint8Array, after?: (outcome: LineOutcome) => void): void;
  /** Everything said so far has left, or was dropped. */
  close(): Promise<void>;
}

export const createMeterCore = (options: SerialMeterOptions): MeterCore => {
  const violations: string[] = [];
  let saying: Promise<void> = Promise.resolve();
  const core: MeterCore = {
    clock: options.clock,
    violations,
    clockError: options.clockError ?? millis(0),
    get shownMs() {
      return options.localTime() + core.clockError;
    },
    setShown: (localMs) => {
      core.clockError = millis(localMs - options.localTime());
    },
    violate: (command) => {
      if (violations.length < MAX_VIOLATIONS) violations.push(command);
    },
    say: (bytes, after) => {
      saying = saying.then(async () => {
        const outcome = await options.line().send(bytes);
        after?.(outcome);
      });
    },
    close: () => saying,
  };
  return core;
};

/** The parts of a meter that are the same for every protocol. */
export const meterParts = (core: MeterCore, measurements: readonly SerialMeasurement[]) => ({
  measurements,
  violations: core.violations,
  get clockError() {
    return core.clockError;
  },
  setClockError: (error: Millis) => {
    core.clockError = error;
  },
  [Symbol.asyncDispose]: core.close,
});
