import { toHex } from "../../protocol/bytes.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { isoUtc, minutes } from "../../protocol/time.ts";
import type { ReadingContext, ReadingSink, SensorDriver, SessionContext } from "../driver.ts";
import { isTelling } from "../normalise/reading.ts";
import { pairFor } from "../normalise/timeline.ts";
import type { Refused, Taken } from "./intake.ts";
import type { GattProfile } from "./profile.ts";
import type { AlignedClock } from "./sensor-clock.ts";
import type { InformationReader } from "./sensor-information.ts";

/** Unreadable values of a stream that are kept in one hour, so that a broken one does not wear the card. */
const MAX_KEPT = 20;
const KEPT_PERIOD = minutes(60);

/** Puts what a session made of values into the sink. */
export interface SessionStore<R> {
  /** Readings that were made durable so far. */
  readonly readings: number;
  /** Normalise and store, together. Resolves when durable; rejects as `sink.take` does, with nothing counted. */
  take(taken: readonly Taken<R>[], clock: AlignedClock): Promise<void>;
  /** Bytes that are no reading: kept (of a stream at most 20 an hour), and reported once a session. */
  keep(refused: Refused<R>): Promise<void>;
}

export interface SessionStoreOptions<R> {
  readonly driver: Pick<SensorDriver<R>, "id" | "version" | "normalise">;
  readonly profile: GattProfile<R>;
  readonly link: Pick<BleLink, "address">;
  readonly sink: ReadingSink;
  readonly context: Pick<SessionContext, "sensor" | "hub" | "zone">;
  readonly information: InformationReader;
  readonly logger: Logger;
}

export const createSessionStore = <R>(options: SessionStoreOptions<R>): SessionStore<R> => {
  const { driver, profile, link, sink, information, logger } = options;
  const { sensor, hub, zone } = options.context;
  let readings = 0;
  let malformedValues = 0;
  let kept = 0;
  let keptSince = 0;

  /** A session that ends is bounded by itself, and what a sensor stored has to be kept before it is confirmed. */
  const mayKeep = (now: number): boolean => {
    if (!profile.stays) return true;
    if (now - keptSince > KEPT_PERIOD) [kept, keptSince] = [0, now];
    kept += 1;
    return kept <= MAX_KEPT;
  };

  const contextOf = async (taken: Taken<R>, record: R, clock: AlignedClock): Promise<ReadingContext> => {
    const stamp = profile.timeOf(record);
    return {
      assignment: sensor.assignment,
      hub,
      device: information.known().device,
      address: link.address,
      driver,
      transport: "ble",
      source: taken.source,
      raw: taken.raw,
      at: taken.at,
      pair: profile.isOnClock(record) ? pairFor(stamp, clock.pairs, taken.at.monoMs) : null,
      counter: isTelling(stamp) ? 0 : await sink.nextCounter(),
      zone,
    };
  };

  return {
    get readings() {
      return readings;
    },
    take: async (batch, clock) => {
      const statics = new Map([...clock.statics, ...information.known().statics]);
      const drafts = [];
      for (const taken of batch) {
        const record = profile.complete(taken.record, statics);
        drafts.push(...driver.normalise(record, await contextOf(taken, record, clock)));
      }
      if (drafts.length > 0) await sink.take(drafts);
      readings += drafts.length;
    },
    keep: async ({ source, raw, at, reason, detail }) => {
      malformedValues += 1;
      if (!mayKeep(at.monoMs)) return;
      await sink.keepUnreadable({
        sensor: sensor.id,
        channel: source,
        reason: `${reason}: ${detail}`,
        rawHex: toHex(raw),
        receivedUtc: at.utc === null ? null : isoUtc(at.utc),
      });
      logger.warn("value not understood, kept", { channel: source, reason, count: malformedValues });
      if (malformedValues > 1) return;
      const message = `sensor ${sensor.id} sent bytes that the hub cannot read; they are kept for the technician`;
      sink.report("malformed-data", message, { sensor: sensor.id, channel: source, reason });
    },
  };
};
