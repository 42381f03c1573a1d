import { messageOf } from "../../protocol/errors.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Received, Transport } from "../../protocol/ports/transport.ts";
import { type Arrival, type Millis, millis, minutes } from "../../protocol/time.ts";
import { type DateTime, localOf, rawTextOf } from "../decode/date-time.ts";
import type { Framed, ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import { type ClockPairs, exchangePair, timeToSet } from "../normalise/timeline.ts";
import type { Zones } from "../normalise/zone.ts";
import { createReceiver } from "../receiver.ts";
import { createLineWatch } from "./line-watch.ts";
import { createRecordTaker } from "./record-taker.ts";
import type { SerialProtocol } from "./serial-protocol.ts";

/** What a sensor's clock may take to answer: 14 bytes at 9600 baud are 15 ms, a Bluetooth serial port adds some. */
export const CLOCK_ANSWER = millis(500);
/** A pair is read again for a reading that comes later than this: stored readings come in one burst. */
const PAIR_LIFE = minutes(1);
/** Readings that wait for the clock's answer. The oximeter's memory is 20; the line brings no more in 500 ms. */
const MAX_HELD = 32;

const NO_PAIRS: ClockPairs = { before: null, after: null };

interface Held<R> {
  readonly record: R;
  readonly raw: Uint8Array;
  readonly at: Arrival;
}

/**
 * One connection to a serial sensor, until it is unplugged (`disconnected`) or the signal aborts (`aborted`). Bytes are
 * framed, the protocol says what is a reading, and each is normalised and given to `sink.take`; only when that has
 * resolved is the sensor's acknowledgement sent, where the format has one. When `sink.take` rejects so does the session,
 * nothing acknowledged.
 *
 * Where the sensor has a clock, it is asked when the first reading of a burst arrives (the sensor is awake then), set
 * if it is off, and the readings wait for its answer 500 ms at most.
 *
 * What cannot be read is counted and kept, at most 20 pieces an hour. When a line brings nothing readable at all,
 * `serial-fault` is reported once, with what to check; the next readable message ends that state.
 */
export const runSerialSession = async <R>(
  driver: Pick<SensorDriver<R>, "id" | "version" | "normalise">,
  protocol: SerialProtocol<R>,
  zones: Zones,
  transport: Transport,
  sink: ReadingSink,
  context: SessionContext,
  signal: AbortSignal,
): Promise<SessionEnd> => {
  const { sensor, clock, time, zone } = context;
  const logger = context.logger.with({ sensor: sensor.id, driver: driver.id });
  const framer = protocol.createFramer();
  const intake = protocol.createIntake();
  const receiver = createReceiver(transport.incoming, clock);
  const takeRecords = createRecordTaker({ driver, source: protocol.source, timeOf: protocol.timeOf, sink, context });
  const watch = createLineWatch({
    sensor: sensor.id,
    source: protocol.source,
    unreadableAfter: protocol.unreadableAfter,
    sink,
    clock,
    logger,
  });

  let readings = 0;
  let pairs = NO_PAIRS;
  let asked: Arrival | null = null;
  let isAsking = false;
  let held: Held<R>[] = [];

  /** The sensor may be gone by now: what it was told does not change what was taken. */
  const tell = async (bytes: Uint8Array): Promise<void> => {
    try {
      await transport.write(SERIAL_CHANNEL, bytes, signal);
    } catch (thrown) {
      logger.debug("sensor not told", { found: messageOf(thrown) });
    }
  };

  const take = async (one: Held<R>): Promise<void> => {
    readings += await takeRecords([{ ...one, pairs }]);
    if (protocol.acknowledgement !== null) await tell(protocol.acknowledgement);
  };

  const takeHeld = async (): Promise<void> => {
    isAsking = false;
    const ready = held;
    held = [];
    for (const one of ready) await take(one);
  };

  const onReading = async (one: Held<R>): Promise<void> => {
    const isStale = asked === null || one.at.monoMs - asked.monoMs > PAIR_LIFE;
    if (protocol.clock !== null && !isAsking && isStale) {
      pairs = NO_PAIRS;
      asked = time.stamp();
      isAsking = true;
      await tell(protocol.clock.ask);
    }
    if (isAsking && held.length < MAX_HELD) held.push(one);
    else await take(one);
  };

  const onClock = async (shown: DateTime, at: Arrival): Promise<void> => {
    if (!isAsking || asked === null || protocol.clock === null) return;
    const local = localOf(shown);
    const before = local === null ? null : exchangePair(local, asked, at);
    const now = time.stamp();
    const toSet = timeToSet(before, now, zones.zone(zone));
    pairs = { before, after: null };
    if (toSet !== null) {
      await tell(protocol.clock.set(toSet));
      pairs = { before, after: exchangePair(rawTextOf(toSet), now, time.stamp()) };
      logger.info("sensor clock set");
    }
    await takeHeld();
  };

  const onFramed = async (framed: Framed, at: Arrival): Promise<void> => {
    const found = intake.push(framed, at);
    if (found.tag === "malformed") await watch.malformed(found.raw, found.reason, found.detail, at);
    if (found.tag === "malformed" || found.tag === "ignored") return await watch.unreadable(framed.bytes, at);
    watch.readable();
    if (found.tag === "reading") await onReading({ record: found.record, raw: found.raw, at });
    if (found.tag === "clock") await onClock(found.time, at);
  };

  const onReceived = async ({ bytes, at }: Received): Promise<void> => {
    for (const framed of framer.push(bytes)) await onFramed(framed, at);
  };

  const patienceNow = (): Millis | null => {
    if (!isAsking || asked === null) return null;
    return millis(Math.max(0, asked.monoMs + CLOCK_ANSWER - time.stamp().monoMs));
  };

  for (;;) {
    const reception = await receiver.next(patienceNow(), signal);
    if (reception.tag === "received") await onReceived(reception.received);
    else {
      // The clock did not answer in time, or will not any more: what waited for it goes without a pair.
      await takeHeld();
      if (reception.tag === "end") return { readings, reason: "disconnected" };
      if (reception.tag === "aborted") return { readings, reason: "aborted" };
    }
  }
};
