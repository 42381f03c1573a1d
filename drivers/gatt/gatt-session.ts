import { toHex } from "../../protocol/bytes.ts";
import { HubError } from "../../protocol/errors.ts";
import type { ChannelId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { BleLink, Received } from "../../protocol/ports/transport.ts";
import { isoUtc, type Millis, millis, seconds } from "../../protocol/time.ts";
import type { ReadingContext, ReadingSink, SensorDriver, SessionContext, SessionEnd } from "../driver.ts";
import { isTelling } from "../normalise/reading.ts";
import { pairFor } from "../normalise/timeline.ts";
import type { Zones } from "../normalise/zone.ts";
import { createReceiver } from "../receiver.ts";
import type { GattProfile } from "./profile.ts";
import { alignClock } from "./sensor-clock.ts";
import { createInformationReader } from "./sensor-information.ts";

/** Longest session (drivers.md, radio policy 6). */
const SESSION_DEADLINE = seconds(120);
/** After a measurement, how long to wait for a further stored one: sensors send them back to back. */
export const IDLE_END = seconds(5);
/** What a ready reading waits at most for who the sensor is. */
export const INFORMATION_PATIENCE = millis(300);
/** What a reading waits at most for the clocks: three operations of a slow link (ATT gives an indication 30 s). */
const CLOCK_PATIENCE = seconds(5);

/** Run a step under a signal that aborts with the given one, or when `patience` is over. */
const within = async <T>(
  patience: Millis,
  clock: Clock,
  signal: AbortSignal,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(patience, done.signal).then(
    () => over.abort(new HubError("ble-timeout", `sensor: no answer within ${patience / 1000} s`)),
    () => undefined,
  );
  try {
    return await step(AbortSignal.any([signal, over.signal]));
  } finally {
    done.abort();
  }
};

/** True when every channel is subscribed; false when the connection is gone, or the signal aborted, before that. */
const subscribeAll = async (link: BleLink, channels: readonly ChannelId[], signal: AbortSignal): Promise<boolean> => {
  try {
    for (const channel of channels) await link.subscribe(channel, signal);
    return true;
  } catch (thrown) {
    if (link.lost.aborted || signal.aborted) return false;
    throw thrown;
  }
};

/**
 * One connection to a sensor with measurement characteristics, in the order of the radio policy (drivers.md, 4):
 *
 * 1. Subscribe to every measurement characteristic; a sensor without any is refused.
 * 2. Read the sensor's clock, set it, read it again (at most 5 s; no clock is fine).
 * 3. In the background, in this order: what decides a code (temperature type), system id, serial number, firmware,
 *    model, manufacturer, battery. The first reading waits for it at most 300 ms after it could otherwise go; what is
 *    not there by then is missing in it, and the catalogue's names stand in.
 * 4. Each value: decode, normalise, `sink.take`, and only then confirm it to the sensor. Bytes that do not decode are
 *    kept, and confirmed when they are kept: the sensor would send them for ever otherwise. Values of characteristics
 *    that are no measurement (a bonded sensor remembers what others subscribed to) are confirmed and not looked at.
 *
 * It ends when the sensor disconnects (`disconnected`), 5 s after the last measurement (`complete`), after 120 s
 * (`deadline`) or when the signal aborts (`aborted`, after the value in hand is durable). Values that had arrived when
 * the connection broke are still taken. When `sink.take` rejects so does the session, the value unconfirmed: the
 * sensor keeps it and sends it again.
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
  const { sensor, hub, clock, time, zone } = context;
  const logger = context.logger.with({ sensor: sensor.id, driver: driver.id });
  const channels = profile.measurements.filter((channel) => link.has(channel));
  if (channels.length === 0) {
    const sought = profile.measurements[0] ?? profile.name;
    const message = `sensor ${sensor.id}: has no ${profile.name} (${sought}); check that it is the model it is enrolled as`;
    throw new HubError("sensor-unknown", message);
  }
  const endsAt = clock.elapsed() + SESSION_DEADLINE;
  const surroundings = { time, zone: zones.zone(zone), logger };
  // A bonded sensor may have indicated and gone before the subscription: what it sent is still taken below.
  const pairs = (await subscribeAll(link, channels, signal))
    ? await within(CLOCK_PATIENCE, clock, signal, (patient) => alignClock(link, surroundings, patient))
    : { before: null, after: null };
  const information = createInformationReader(link, sensor, profile.statics, logger);
  const closing = new AbortController();
  const informed = information.read(AbortSignal.any([signal, closing.signal]));

  let readings = 0;
  let malformedValues = 0;

  const keepMalformed = async (received: Received, reason: string, detail: string): Promise<void> => {
    await sink.keepUnreadable({
      sensor: sensor.id,
      channel: received.channel,
      reason: `${reason}: ${detail}`,
      rawHex: toHex(received.bytes),
      receivedUtc: received.at.utc === null ? null : isoUtc(received.at.utc),
    });
    malformedValues += 1;
    logger.warn("value not understood, kept", { channel: received.channel, reason, count: malformedValues });
    if (malformedValues > 1) return;
    const message = `sensor ${sensor.id} sent bytes that the hub cannot read; they are kept for the technician`;
    sink.report("malformed-data", message, { sensor: sensor.id, channel: received.channel, reason });
  };

  const contextOf = async (received: Received, record: R): Promise<ReadingContext> => {
    const stamp = profile.timeOf(record);
    return {
      assignment: sensor.assignment,
      hub,
      device: information.known().device,
      address: link.address,
      driver,
      transport: "ble",
      source: received.channel,
      raw: received.bytes,
      at: received.at,
      pair: pairFor(stamp, pairs, received.at.monoMs),
      counter: isTelling(stamp) ? 0 : await sink.nextCounter(),
      zone,
    };
  };

  const take = async (received: Received): Promise<void> => {
    const decoded = profile.decode(received.bytes, received.channel, sensor.quirks);
    if (decoded.tag === "malformed") {
      await keepMalformed(received, decoded.reason, decoded.detail);
    } else {
      const record = profile.complete(decoded.record, information.known().statics);
      const drafts = driver.normalise(record, await contextOf(received, record));
      await sink.take(drafts);
      readings += drafts.length;
    }
    received.confirm();
  };

  const waitForInformation = async (): Promise<void> => {
    const enough = new AbortController();
    await Promise.race([informed, clock.sleep(INFORMATION_PATIENCE, enough.signal).catch(() => undefined)]);
    enough.abort();
  };

  const receiver = createReceiver(link.incoming, clock);
  try {
    let isFirst = true;
    for (;;) {
      const left = Math.max(0, endsAt - clock.elapsed());
      const patience = isFirst ? left : Math.min(IDLE_END, left);
      const reception = await receiver.next(millis(patience), signal);
      if (reception.tag === "end") return { readings, reason: "disconnected" };
      if (reception.tag === "aborted") return { readings, reason: "aborted" };
      if (reception.tag === "patience-over") return { readings, reason: patience < left ? "complete" : "deadline" };
      const { received } = reception;
      if (!profile.measurements.includes(received.channel)) {
        received.confirm();
        continue;
      }
      if (isFirst) await waitForInformation();
      isFirst = false;
      await take(received);
    }
  } finally {
    closing.abort();
    await informed;
  }
};
