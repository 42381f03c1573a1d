import { type HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import type { ReadingSink, SensorDriver, SessionContext } from "../driver.ts";
import { describePort, type SerialBinding, type SerialPortRef } from "./serial-port-ref.ts";
import { openSerialTransport, type SerialLine } from "./serial-transport.ts";

/** Between two attempts: 0.5, 1, 2, 4, 8, 16 s, then 30 s for ever. Plugging in again is noticed within that. */
const FIRST_RETRY = millis(500);
const LAST_RETRY = seconds(30);
/** A connection that lasted this long, or brought a reading, starts the retries from the beginning again. */
const STABLE = seconds(10);
/** The same fault of the same sensor is reported again after this, if it is still there or there again. */
const REPORT_AGAIN = minutes(60);

export interface SerialSupervisorOptions {
  readonly port: SerialPortRef;
  readonly line: SerialLine;
  readonly driver: SensorDriver<unknown>;
  readonly sink: ReadingSink;
  /** Names the sensor; its clock and logger are the supervisor's too. */
  readonly context: SessionContext;
  /** Another source of ports than the machine's own. */
  readonly binding?: SerialBinding;
}

/** What the hub says about the port: `listening` with the sensor silent is the normal state of a scale. */
export interface SerialStatus {
  readonly state: "stopped" | "opening" | "listening" | "waiting";
  /** The port as it was configured. */
  readonly port: string;
  /** The last fault, as a sentence with the next step; null while listening. */
  readonly fault: { readonly code: string; readonly message: string } | null;
  /** Readings made durable since the start. */
  readonly readings: number;
}

export interface SerialSupervisor {
  /** Keep the sensor connected until the signal aborts. Rejects only when an invariant is broken. */
  run(signal: AbortSignal): Promise<void>;
  status(): SerialStatus;
}

const retryDelay = (attempt: number): Millis => millis(Math.min(FIRST_RETRY * 2 ** Math.min(attempt, 16), LAST_RETRY));

/**
 * Keeps one serial sensor connected: open, run the driver's session, and again with backoff when the port goes away,
 * is busy or not there. Each kind of fault is reported as `serial-fault` once an hour at most: a cable that comes and
 * goes is normal life.
 */
export const createSerialSupervisor = (options: SerialSupervisorOptions): SerialSupervisor => {
  const { port, line, driver, context } = options;
  const { clock, time, sensor } = context;
  const logger = context.logger.with({ sensor: sensor.id });
  const name = describePort(port);
  const reported = new Map<string, number>();
  let state: SerialStatus["state"] = "stopped";
  let fault: SerialStatus["fault"] = null;
  let readings = 0;

  /** Codes are few, so this is bounded. */
  const reportOnce = (key: string, report: () => void): void => {
    const last = reported.get(key);
    if (last !== undefined && clock.elapsed() - last < REPORT_AGAIN) return;
    reported.set(key, clock.elapsed());
    report();
  };

  const sink: ReadingSink = {
    take: async (drafts) => {
      await options.sink.take(drafts);
      readings += drafts.length;
    },
    keepUnreadable: (capture) => options.sink.keepUnreadable(capture),
    nextCounter: () => options.sink.nextCounter(),
    report: (code, message, detail) => reportOnce(code, () => options.sink.report(code, message, detail)),
  };

  const onFault = (found: HubError): void => {
    fault = { code: found.code, message: found.message };
    logger.warn("serial sensor not connected", { code: found.code, found: messageOf(found) });
    // The store reports its own faults; here they only mean that the sensor has to wait.
    if (!found.code.startsWith("serial-")) return;
    reportOnce(found.code, () =>
      options.sink.report("serial-fault", found.message, { sensor: sensor.id, code: found.code }),
    );
  };

  /** One connection, to its end. True when it was good enough to start the retries from the beginning. */
  const connect = async (signal: AbortSignal): Promise<boolean> => {
    const openedAt = clock.elapsed();
    const before = readings;
    state = "opening";
    try {
      const settings = options.binding === undefined ? {} : { binding: options.binding };
      await using transport = await openSerialTransport({ port, line, time, clock, ...settings }, signal);
      state = "listening";
      fault = null;
      logger.info("serial sensor connected", { path: transport.path });
      const end = await driver.session(transport, sink, context, signal);
      if (end.reason === "disconnected") logger.info("serial sensor disconnected", { readings: end.readings });
    } catch (thrown) {
      if (signal.aborted) return true;
      if (!isHubError(thrown)) throw thrown;
      onFault(thrown);
    }
    return readings > before || clock.elapsed() - openedAt >= STABLE;
  };

  return {
    status: () => ({ state, port: name, fault, readings }),
    run: async (signal) => {
      let attempt = 0;
      while (!signal.aborted) {
        const wasGood = await connect(signal);
        if (signal.aborted) break;
        if (wasGood) attempt = 0;
        state = "waiting";
        await clock.sleep(retryDelay(attempt), signal).catch(() => undefined);
        attempt += 1;
      }
      state = "stopped";
    },
  };
};
