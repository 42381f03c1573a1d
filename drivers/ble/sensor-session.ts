import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { type Arrival, type Millis, millis, seconds } from "../../protocol/time.ts";
import type { EnrolledSensor, ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import { within } from "./within.ts";

/** Design drivers.md radio policy 6. */
export const SESSION_DEADLINE: Millis = seconds(120);
/** Streams have none: 285 000 years. */
const NO_DEADLINE: Millis = millis(Number.MAX_SAFE_INTEGER);
/** How long a driver that was told to stop may take to end what it has begun. Then its link is closed under it. */
const GRACE: Millis = seconds(5);

/** A BLE sensor of this home, how it is found and how it is read. */
export interface BleEnrolment {
  readonly sensor: EnrolledSensor;
  /** Identity address, with colons. */
  readonly address: string;
  readonly driver: SensorDriver<unknown>;
}

/** How the last session ended, for the technician. */
export interface SessionOutcome {
  /** When it ended. */
  readonly at: Arrival;
  readonly reason: SessionEnd["reason"] | "failed";
  readonly readings: number;
  /** What failed, as a sentence; null where nothing did. */
  readonly trouble: string | null;
}

const reasonOf = (thrown: unknown, signal: AbortSignal): SessionOutcome["reason"] => {
  if (signal.aborted) return "aborted";
  if (isHubError(thrown, "session-timeout")) return "deadline";
  return isHubError(thrown, "ble-disconnected") ? "disconnected" : "failed";
};

/**
 * Run the driver over a link until it ends, its deadline comes or the signal aborts. The link is closed when this
 * resolves. Never rejects: what went wrong is in the outcome.
 */
export const runSession = async (
  { driver, sensor }: BleEnrolment,
  link: BleLink,
  sink: ReadingSink,
  context: SessionContext,
  signal: AbortSignal,
): Promise<SessionOutcome> => {
  const { clock, time } = context;
  const stop = new AbortController();
  const late = (): HubError => {
    const found = `not over after ${SESSION_DEADLINE / 1000} s; the hub hangs up, measure again`;
    return new HubError("session-timeout", `session with ${sensor.id}: ${found}`);
  };
  const stuck = (): HubError =>
    new HubError("session-timeout", `session with ${sensor.id}: the driver does not stop; restart the hub`);

  const session = driver.session(link, sink, context, stop.signal);
  try {
    const end = await within(session, driver.stays ? NO_DEADLINE : SESSION_DEADLINE, late, clock, signal);
    return { at: time.stamp(), reason: end.reason, readings: end.readings, trouble: null };
  } catch (thrown) {
    stop.abort(thrown);
    // What it took still counts: those readings are durable, whatever becomes of the session.
    const end = await within(session, GRACE, stuck, clock, new AbortController().signal).catch(() => null);
    const reason = reasonOf(thrown, signal);
    const trouble = reason === "aborted" ? null : messageOf(thrown);
    return { at: time.stamp(), reason, readings: end?.readings ?? 0, trouble };
  } finally {
    await link[Symbol.asyncDispose]();
  }
};
