import type { Clock } from "../protocol/ports/clock.ts";
import { type Millis, minutes, seconds } from "../protocol/time.ts";
import { untilAborted } from "../protocol/until-aborted.ts";
import type { Enrolments } from "./config/enrol.ts";
import type { SensorParts } from "./sensors.ts";

/** How long after a measurement other enrolments count at the latest. */
const LOOK_EVERY: Millis = seconds(5);
/** A stream that never pauses does not keep a recalled model in use for longer. */
const LONGEST_WAIT: Millis = minutes(24 * 60);

export interface ExchangeableSensorsOptions {
  /** Make ready what reads these; called when what read the former ones has stopped. */
  readonly create: (enrolments: Enrolments) => Promise<SensorParts>;
  readonly enrolments: Enrolments;
  /** Would a stop break off a measurement now? */
  readonly isMeasuring: () => boolean;
  readonly clock: Clock;
}

/** What reads the sensors of this home, also when another catalogue says which of them are read. */
export interface ExchangeableSensors extends SensorParts {
  /**
   * Read by these from now on. Waits until nobody is measured, a day at most; link, outbox and all else go on. Where they
   * are the same for this home, nothing is touched. Resolves when they count; rejects with the signal's reason.
   */
  exchange(enrolments: Enrolments, signal: AbortSignal): Promise<void>;
}

/**
 * All that reading this home's sensors depends on. Drivers are told by their entry: they are of this version. Models that
 * nobody has here only name strangers: they are no reason to stop anything, and follow with the next exchange or start.
 */
const essenceOf = ({ enrolled, setAside }: Enrolments): string =>
  JSON.stringify([enrolled.map(({ config, entry }) => [config, entry]), setAside]);

interface Exchange {
  /** The newest that were asked for. */
  readonly enrolments: Enrolments;
  readonly done: PromiseWithResolvers<void>;
}

export const createExchangeableSensors = async (options: ExchangeableSensorsOptions): Promise<ExchangeableSensors> => {
  const { create, isMeasuring, clock } = options;
  let inForce = options.enrolments;
  let current = await create(inForce);
  /** Stops what reads now, for these; set as soon as nobody is measured. */
  let due: Exchange | null = null;
  let bell = Promise.withResolvers<void>();

  const untilNobodyIsMeasured = async (signal: AbortSignal): Promise<void> => {
    const end = clock.elapsed() + LONGEST_WAIT;
    while (isMeasuring() && clock.elapsed() < end) await clock.sleep(LOOK_EVERY, signal);
  };

  /** Runs what reads now, until it is to be exchanged or the hub stops. */
  const readOnce = async (signal: AbortSignal): Promise<void> => {
    const stop = new AbortController();
    const broken = Promise.withResolvers<never>();
    const running = current.run(AbortSignal.any([signal, stop.signal]));
    // A home without a sensor has nothing to run; what rejects is a broken invariant.
    running.catch(broken.reject);
    try {
      await Promise.race([bell.promise, untilAborted(signal), broken.promise]);
    } finally {
      stop.abort();
    }
    await running;
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        await readOnce(signal);
        if (due === null) continue;
        const { enrolments, done } = due;
        due = null;
        bell = Promise.withResolvers();
        if (!signal.aborted) {
          current = await create(enrolments);
          inForce = enrolments;
        }
        done.resolve();
      }
    },
    exchange: async (enrolments, signal) => {
      if (essenceOf(enrolments) === essenceOf(inForce)) return;
      await untilNobodyIsMeasured(signal);
      signal.throwIfAborted();
      due = { enrolments, done: due?.done ?? Promise.withResolvers() };
      const { done } = due;
      bell.resolve();
      // Where the hub stops, nothing reads any more that could be exchanged.
      await Promise.race([done.promise, untilAborted(signal)]);
      signal.throwIfAborted();
    },
    radio: () => current.radio(),
    sensors: () => current.sensors(),
    strangers: () => current.strangers(),
    guard: {
      get enrolled() {
        return current.guard.enrolled;
      },
      admits: (sensor) => current.guard.admits(sensor),
      trouble: (sensor) => current.guard.trouble(sensor),
      notice: (sensor) => current.guard.notice(sensor),
      accept: (sensor) => current.guard.accept(sensor),
      retry: (sensor) => current.guard.retry(sensor),
    },
    desk: {
      methodOf: (sensor) => current.desk.methodOf(sensor),
      open: (sensor) => current.desk.open(sensor),
      cancel: (sensor) => current.desk.cancel(sensor),
      passkey: (sensor, passkey) => current.desk.passkey(sensor, passkey),
      confirm: (sensor, same) => current.desk.confirm(sensor, same),
      view: (sensor) => current.desk.view(sensor),
      next: (before, atMost, signal) => current.desk.next(before, atMost, signal),
      bond: (sensor) => current.desk.bond(sensor),
      forget: (sensor) => current.desk.forget(sensor),
    },
  };
};
