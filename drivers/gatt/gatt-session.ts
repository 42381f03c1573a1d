import type { BleLink, Received } from "../../protocol/ports/transport.ts";
import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { decodeRecordAccess } from "../decode/record-access.ts";
import type { ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import type { Zones } from "../normalise/zone.ts";
import { createReceiver } from "../receiver.ts";
import type { IntakeStep, Pause, Taken } from "./intake.ts";
import type { GattProfile } from "./profile.ts";
import { ACCESS_POINT, type RecordReader, readerOf } from "./record-reader.ts";
import { type AlignedClock, UNALIGNED } from "./sensor-clock.ts";
import { createInformationReader } from "./sensor-information.ts";
import { CLOCK_PATIENCE, channelsOf, subscribeAll, withPatience } from "./session-opening.ts";
import { createSessionStore } from "./session-store.ts";

/** Longest session (drivers.md, radio policy 6). Streams have none. */
const SESSION_DEADLINE = seconds(120);
/** After a measurement, how long to wait for a further stored one: sensors send them back to back. */
export const IDLE_END = seconds(5);
/** What a ready reading waits at most for who the sensor is. */
export const INFORMATION_PATIENCE = millis(300);
/** Between two records of a report, or to its answer (drivers.md, radio policy 6). */
export const REPORT_IDLE = seconds(30);
/** After the answer, for a record or a context that it overtook. */
export const LATE = seconds(1);
/**
 * Records of a report are made durable together: a store takes 10 to 50 ms for one write, a sensor sends up to 130
 * records a second (4 in each interval of 30 ms). 64 of them are half a second, an eighth of what the link holds.
 */
const MAX_TOGETHER = 64;
/** How long a record of a report waits for others to be stored with. */
const TOGETHER = millis(100);
const AT_ONCE = millis(0);

/**
 * One connection to a sensor with measurement characteristics, in the order of the radio policy (drivers.md, 4):
 *
 * 1. Subscribe to every measurement characteristic, then to the Record Access Control Point where the service has one;
 *    a sensor without any measurement is refused.
 * 2. Read the sensor's clock, set it, read it again (at most 5 s; no clock is fine).
 * 3. In the background, in this order: what decides a code (temperature type), system id, serial number, firmware,
 *    model, manufacturer, battery. The first reading waits for it at most 300 ms after it could otherwise go; what is
 *    not there by then is missing in it, and the catalogue's names stand in.
 * 4. Each value: decode, normalise, `sink.take`, and only then confirm it to the sensor. Bytes that do not decode are
 *    kept, and confirmed when they are kept: the sensor would send them for ever otherwise. Values of characteristics
 *    that are no measurement (a bonded sensor remembers what others subscribed to) are confirmed and not looked at.
 * 5. When what came unasked is taken, ask for the records of the sensor's memory (see RecordReader): from the last
 *    known one on, the first time all. How far that came is remembered when the readings are durable.
 *
 * It ends when the sensor disconnects (`disconnected`), 5 s after the last measurement (`complete`), when the memory is
 * read and there is nothing else (`complete`), after 120 s or 30 s of silence within a report (`deadline`), or when the
 * signal aborts (`aborted`, after what is in hand is durable). A profile that stays ends only with the connection or the
 * signal. Values that had arrived when the connection broke are still taken. When `sink.take` rejects so does the
 * session, the value unconfirmed: the sensor keeps it and sends it again.
 */
export const runGattSession = async <R>(
  driver: Pick<SensorDriver<R>, "id" | "version" | "normalise">,
  profile: GattProfile<R>,
  zones: Zones,
  link: BleLink,
  sink: ReadingSink,
  context: SessionContext,
  signal: AbortSignal,
): Promise<SessionEnd> => {
  const { sensor, clock, time, zone, memory } = context;
  const logger = context.logger.with({ sensor: sensor.id, driver: driver.id });
  const channels = channelsOf(profile, link, sensor);
  const endsAt = profile.stays ? Number.POSITIVE_INFINITY : clock.elapsed() + SESSION_DEADLINE;
  const surroundings = { time, zone: zones.zone(zone), logger, memory };
  const align = (): Promise<AlignedClock> =>
    withPatience(CLOCK_PATIENCE, clock, signal, (patient) => profile.alignClock(link, surroundings, patient));
  // A bonded sensor may have indicated and gone before the subscription: what it sent is still taken below.
  let aligned = (await subscribeAll(link, channels.all, signal)) ? await align() : UNALIGNED;
  const information = createInformationReader(link, sensor, profile.statics, logger);
  const closing = new AbortController();
  const informed = information.read(AbortSignal.any([signal, closing.signal]));
  const store = createSessionStore<R>({ driver, profile, link, sink, context, information, logger });
  const reader = readerOf(profile.access, { link, channels: channels.all, memory, clock, logger });
  const intake = profile.createIntake(sensor.quirks, aligned.statics);
  const receiver = createReceiver(link.incoming, clock);

  /** A sensor that indicates waits for the confirmation before it goes on. */
  const indicated = new Set(
    link.characteristics.filter(({ properties }) => properties.has("indicate")).map(({ channel }) => channel),
  );
  const isIndicated = ({ channel }: Received): boolean => indicated.has(channel);

  let isFirst = true;
  let isHeard = false;
  let ready: Taken<R>[] = [];
  let unconfirmed: Received[] = [];

  const waitForInformation = async (): Promise<void> => {
    const enough = new AbortController();
    await Promise.race([informed, clock.sleep(INFORMATION_PATIENCE, enough.signal).catch(() => undefined)]);
    enough.abort();
  };

  /** Make durable what is ready, and confirm what it came from. */
  const flush = async (): Promise<void> => {
    const [taken, values] = [ready, unconfirmed];
    [ready, unconfirmed] = [[], []];
    if (taken.length > 0) {
      if (isFirst) await waitForInformation();
      isFirst = false;
      const records = taken.map(({ record }) => record);
      if (reader?.isBehind(records) === true) {
        aligned = await align();
        reader.restart();
      }
      await store.take(taken, aligned);
      await reader?.stored(records);
    }
    for (const value of values) value.confirm();
  };

  const absorb = async ({ taken, refused }: IntakeStep<R>): Promise<void> => {
    ready.push(...taken);
    for (const one of refused) {
      await store.keep(one);
      if (one.record !== undefined) await reader?.stored([one.record]);
    }
  };

  const settle = async (pause: Pause): Promise<void> => {
    await absorb(intake.settle(pause));
    await flush();
  };

  const onAnswer = async ({ channel, bytes, at }: Received, to: RecordReader<R>): Promise<void> => {
    const decoded = decodeRecordAccess(bytes);
    if (decoded.tag === "ok") to.hear(decoded.record);
    else await store.keep({ source: channel, raw: bytes, at, reason: decoded.reason, detail: decoded.detail });
  };

  const onReceived = async (received: Received): Promise<void> => {
    if (received.channel === ACCESS_POINT && reader !== null) {
      await flush();
      await onAnswer(received, reader);
      return received.confirm();
    }
    if (!channels.measurements.includes(received.channel)) return received.confirm();
    isHeard = true;
    await absorb(intake.push(received));
    unconfirmed.push(received);
    const isGathering = reader?.phase === "reporting" && ready.length < MAX_TOGETHER && !isIndicated(received);
    if (!isGathering) await flush();
  };

  const patienceNow = (): Millis | null => {
    if (reader?.phase === "due") return AT_ONCE;
    if (ready.length > 0) return TOGETHER;
    if (reader?.phase === "told") return LATE;
    if (reader?.phase === "reporting") return REPORT_IDLE;
    // Nothing but the memory was to be had, and it is over with that.
    if (reader?.phase === "over" && profile.access?.endsSession === true) return AT_ONCE;
    return profile.stays || !isHeard ? null : IDLE_END;
  };

  /** What to do when nothing came for as long as that; how the session ends, or null where it goes on. */
  const onPause = async (isDeadline: boolean): Promise<SessionEnd["reason"] | null> => {
    const phase = reader?.phase ?? "over";
    if (isDeadline) {
      // A report that is broken off here is read again: what waits for a companion will have it then.
      await settle(phase === "reporting" ? "lost" : "quiet");
      return "deadline";
    }
    if (phase === "due") {
      await flush();
      await reader?.ask(profile.access?.runOf(aligned.statics) ?? null, signal);
      return null;
    }
    if (ready.length > 0) {
      await flush();
      return null;
    }
    if (phase === "told") {
      await settle("told");
      await reader?.finish();
      return null;
    }
    await settle("quiet");
    if (phase === "over") return "complete";
    await reader?.giveUp(signal);
    return profile.stays ? null : "deadline";
  };

  try {
    for (;;) {
      const left = endsAt - clock.elapsed();
      const wanted = patienceNow();
      const patience = Math.max(0, Math.min(wanted ?? left, left));
      const reception = await receiver.next(Number.isFinite(patience) ? millis(patience) : null, signal);
      if (reception.tag === "received") {
        await onReceived(reception.received);
      } else if (reception.tag === "patience-over") {
        const reason = await onPause(wanted === null || wanted > left);
        if (reason !== null) return { readings: store.readings, reason };
      } else {
        const isTold = reader?.phase === "told";
        await settle(isTold ? "told" : "lost");
        if (isTold) await reader?.finish();
        return { readings: store.readings, reason: reception.tag === "end" ? "disconnected" : "aborted" };
      }
    }
  } finally {
    closing.abort();
    await informed;
  }
};
