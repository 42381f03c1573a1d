import { messageOf } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { decodeCurrentTime, decodeDateTime } from "../decode/clock.ts";
import { type DateTime, localOf, rawTextOf, weekday } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { aheadOf, type ClockPairs, exchangePair, timeToSet } from "../normalise/timeline.ts";
import type { Zone } from "../normalise/zone.ts";
import { endedTimelines, withEnded } from "./ended-timelines.ts";
import { NO_STATICS, type Statics } from "./statics.ts";

const DATE_TIME = channelId("2a08");
const CURRENT_TIME = channelId("2a2b");
/** "External reference time update" (CTS 1.1 section 3.1.2.1, adjust reason bit 1). */
const ADJUSTED_BY_REFERENCE = 0x02;

export interface ClockSurroundings {
  readonly time: HubTime;
  readonly zone: Zone;
  readonly logger: Logger;
  /** Where it is remembered how the clock ran before it was set; without it, that is forgotten with the connection. */
  readonly memory?: SensorMemory;
}

/** What a session knows of the sensor's clock, and what belongs to every measurement and was read with it. */
export interface AlignedClock {
  readonly pairs: ClockPairs;
  readonly statics: Statics;
}

/** Never rejects: what is not known is null. */
export type AlignClock = (link: BleLink, surroundings: ClockSurroundings, signal: AbortSignal) => Promise<AlignedClock>;

export const UNALIGNED: AlignedClock = { pairs: { before: null, after: null }, statics: NO_STATICS };

/** For sensors whose values have no stamp. */
export const noClock: AlignClock = async () => UNALIGNED;

interface ClockChannel {
  readonly channel: ChannelId;
  readonly canRead: boolean;
  readonly canWrite: boolean;
}

/** The clock of the sensor: one that can be read before one that can only be set. */
const clockChannel = (link: BleLink): ClockChannel | null => {
  const found = [DATE_TIME, CURRENT_TIME].flatMap((channel) => {
    const one = link.characteristics.find((characteristic) => characteristic.channel === channel);
    if (one === undefined) return [];
    return [{ channel, canRead: one.properties.has("read"), canWrite: one.properties.has("write") }];
  });
  return found.find((one) => one.canRead) ?? found.find((one) => one.canWrite) ?? null;
};

interface ShownClock {
  readonly time: DateTime;
  readonly hasWrongWeekday: boolean;
}

const decodeClock = (channel: ChannelId, bytes: Uint8Array, logger: Logger): ShownClock | null => {
  if (channel === DATE_TIME) {
    const decoded = decodeDateTime(bytes);
    return decoded.tag === "ok" ? { time: decoded.record, hasWrongWeekday: false } : null;
  }
  const decoded = decodeCurrentTime(bytes);
  if (decoded.tag !== "ok") return null;
  const hasWrongWeekday = decoded.record.dayOfWeekConsistent === false;
  if (hasWrongWeekday) logger.warn("sensor clock has the wrong weekday", { channel });
  return { time: decoded.record.time, hasWrongWeekday };
};

/** Read the sensor's clock; null where it shows no complete date and time. */
const readClock = async (
  link: BleLink,
  channel: ChannelId,
  { time, logger }: ClockSurroundings,
  signal: AbortSignal,
): Promise<ClockPair | null> => {
  const asked = time.stamp();
  const bytes = await link.read(channel, signal);
  const answered = time.stamp();
  const shown = decodeClock(channel, bytes, logger);
  const local = shown === null ? null : localOf(shown.time);
  if (shown === null || local === null) return null;
  const pair = exchangePair(local, asked, answered);
  return shown.hasWrongWeekday ? { ...pair, hasWrongWeekday: true } : pair;
};

/** Date Time (0x2A08) or Current Time (0x2A2B) of a local time. */
export const encodeClock = (channel: ChannelId, time: DateTime): Uint8Array => {
  const { year, month, day, hour, minute, second } = time;
  const dateTime = [year & 0xff, year >> 8, month, day, hour, minute, second ?? 0];
  return Uint8Array.from(channel === CURRENT_TIME ? [...dateTime, weekday(time), 0, ADJUSTED_BY_REFERENCE] : dateTime);
};

/**
 * Rule 1 of design protocol.md, Time: read the sensor's clock first and keep the pair, then set it to the home's local
 * time where it is off by more than the reading can tell and the hub's own clock is trusted, and keep a new pair. A
 * sensor without a clock, or that refuses, is no failure: the pairs say what is known.
 */
export const alignClock: AlignClock = async (link, surroundings, signal) => {
  const { time, zone, logger, memory } = surroundings;
  const found = clockChannel(link);
  let before: ClockPair | null = null;
  let after: ClockPair | null = null;
  const aligned = (): AlignedClock => ({ pairs: { before, after }, statics: NO_STATICS });
  if (found === null) return aligned();
  const { channel, canRead, canWrite } = found;
  try {
    const timelines = endedTimelines(memory);
    if (canRead) before = withEnded(await readClock(link, channel, surroundings, signal), timelines.known());
    const toSet = canWrite ? timeToSet(before, time.stamp(), zone) : null;
    if (toSet === null) return aligned();
    // Before it is set: what the sensor does not send in this connection is on the old timeline in the next.
    await timelines.end(before);
    const asked = time.stamp();
    const local = timeToSet(null, asked, zone) ?? toSet;
    await link.write(channel, encodeClock(channel, local), signal);
    after = exchangePair(rawTextOf(local), asked, time.stamp());
    logger.info("sensor clock set", { channel, aheadMs: aheadOf(before, zone) });
    if (canRead) after = (await readClock(link, channel, surroundings, signal)) ?? after;
  } catch (thrown) {
    logger.warn("sensor clock not aligned", { channel, found: messageOf(thrown) });
  }
  return aligned();
};
