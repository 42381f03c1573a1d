import { messageOf } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { type Arrival, type EpochMs, epochMs, minutes } from "../../protocol/time.ts";
import { decodeCgmFeature, decodeCgmStatus } from "../decode/cgm-feature.ts";
import { type CgmSessionStart, decodeCgmSessionStart } from "../decode/cgm-session.ts";
import { crcMcrf4xx } from "../decode/crc.ts";
import { plusMinutes, rawTextOf } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { dateTimeOf } from "../normalise/civil-time.ts";
import { exchangePair } from "../normalise/timeline.ts";
import type { Zone } from "../normalise/zone.ts";
import type { AlignClock, AlignedClock, ClockSurroundings } from "./sensor-clock.ts";

export const FEATURE: ChannelId = channelId("2aa8");
export const SESSION_START: ChannelId = channelId("2aaa");
export const RUN_TIME: ChannelId = channelId("2aab");
const STATUS = channelId("2aa9");

/** Status and records both count whole minutes since the start, so the difference of the two is right to one. */
const MINUTE = minutes(1);
const QUARTER = minutes(15);
/** DST Offset (GATT specification supplement): minutes to code; 255 is unknown. */
const DST_CODES: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [30, 2],
  [60, 4],
  [120, 8],
]);
const UNKNOWN_DST = 255;

/** Standard time is the smaller of a zone's two offsets in the year, those of January and July. */
const standardOffset = (zone: Zone, utc: EpochMs): number => {
  const year = new Date(utc).getUTCFullYear();
  return Math.min(zone.offsetAt(Date.UTC(year, 0, 1)), zone.offsetAt(Date.UTC(year, 6, 1)));
};

/** CGM Session Start Time as it is written: local time, zone in quarters of an hour, summer time, CRC where it must. */
export const encodeSessionStart = (utc: EpochMs, zone: Zone, hasCrc: boolean): Uint8Array => {
  const offset = zone.offsetAt(utc);
  const standard = standardOffset(zone, utc);
  const { year, month, day, hour, minute, second } = dateTimeOf(utc + offset);
  const dst = DST_CODES.get((offset - standard) / MINUTE) ?? UNKNOWN_DST;
  const bare = [year & 0xff, year >> 8, month, day, hour, minute, second ?? 0, (standard / QUARTER) & 0xff, dst];
  const crc = crcMcrf4xx(Uint8Array.from(bare));
  return Uint8Array.from(hasCrc ? [...bare, crc & 0xff, crc >> 8] : bare);
};

const propertiesOf = (link: BleLink, channel: ChannelId): ReadonlySet<string> =>
  link.characteristics.find((one) => one.channel === channel)?.properties ?? new Set();

const isSet = (start: CgmSessionStart | null): boolean => start !== null && plusMinutes(start.start, 0) !== null;

const startOf = (bytes: Uint8Array | undefined): CgmSessionStart | null => {
  const decoded = bytes === undefined ? null : decodeCgmSessionStart(bytes);
  return decoded?.tag === "ok" ? decoded.record : null;
};

/** Start plus the minutes of the status: what the sensor's clock shows, beside when the hub heard it. */
const pairOf = (
  start: CgmSessionStart | null,
  status: Uint8Array | undefined,
  asked: Arrival,
  answered: Arrival,
): ClockPair | null => {
  const decoded = status === undefined ? null : decodeCgmStatus(status);
  if (start === null || decoded?.tag !== "ok") return null;
  const shown = plusMinutes(start.start, decoded.record.timeOffsetMin);
  if (shown === null) return null;
  const pair = exchangePair(rawTextOf(shown), asked, answered);
  return { ...pair, uncertaintyMs: pair.uncertaintyMs + MINUTE };
};

/**
 * The clock of a CGM is the start of its session and the minutes since (CGMS 1.0.2 sections 3.3, 3.4). A start that
 * nobody has set is set: the hub writes the time that it is now, and the sensor reckons back to the start. One that was
 * set is left, even if it is wrong: the stamps of all records hang on it, so that another start would make other readings
 * of the same records; the pair puts them right. Sessions are never started or stopped here: that is a clinical act.
 */
export const alignCgmClock: AlignClock = async (link, surroundings, signal) => {
  const { time, logger } = surroundings;
  const statics = new Map<ChannelId, Uint8Array>();
  const aligned = (pair: ClockPair | null): AlignedClock => ({ pairs: { before: pair, after: null }, statics });

  const read = async (channel: ChannelId): Promise<Uint8Array | undefined> => {
    if (!propertiesOf(link, channel).has("read")) return undefined;
    const bytes = await link.read(channel, signal);
    statics.set(channel, bytes);
    return bytes;
  };
  try {
    const feature = decodeCgmFeature((await read(FEATURE)) ?? new Uint8Array());
    const hasCrc = feature.tag === "ok" && feature.record.hasCrc;
    let start = startOf(await read(SESSION_START));
    if (!isSet(start) && propertiesOf(link, SESSION_START).has("write")) {
      if (await setStart(link, surroundings, hasCrc, signal)) start = startOf(await read(SESSION_START));
    }
    const asked = time.stamp();
    const status = await read(STATUS);
    const pair = pairOf(start, status, asked, time.stamp());
    await read(RUN_TIME);
    return aligned(pair);
  } catch (thrown) {
    logger.warn("sensor clock not aligned", { channel: SESSION_START, found: messageOf(thrown) });
    return aligned(null);
  }
};

const setStart = async (
  link: BleLink,
  { time, zone, logger }: ClockSurroundings,
  hasCrc: boolean,
  signal: AbortSignal,
): Promise<boolean> => {
  const { utc } = time.stamp();
  if (utc === null) return false;
  await link.write(SESSION_START, encodeSessionStart(epochMs(utc), zone, hasCrc), signal);
  logger.info("sensor clock set", { channel: SESSION_START });
  return true;
};
