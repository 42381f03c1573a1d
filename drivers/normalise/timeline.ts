import { type Arrival, epochMs, millis } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { ClockPair } from "../driver.ts";
import { civilMs, civilMsOfText, dateTimeOf } from "./civil-time.ts";
import type { Zone } from "./zone.ts";

/** What a session knows of the sensor's clock: read before it was set, and read again after. */
export interface ClockPairs {
  readonly before: ClockPair | null;
  readonly after: ClockPair | null;
}

/** Sensors stamp and answer in whole seconds, so two readings of one clock may be a second apart either way. */
const RESOLUTION = 1000;
/** Some stamp in whole minutes. */
const MINUTE = 60_000;

/**
 * The pair of the timeline that a stamp is on (design protocol.md, time 1). Setting the clock starts a new timeline,
 * and the sensor sends both what it stored before and what it measures now. A stamp that may lie between the moment of
 * setting and the new clock's present is on the new timeline, any other on the old one. Where the clock was set back so
 * that both are possible, the old pair is given with the step added to its uncertainty: wrong by no more than it says.
 */
export const pairFor = (device: DateTime | null, pairs: ClockPairs, nowMonoMs: number): ClockPair | null => {
  const { before, after } = pairs;
  if (after === null) return before;
  const stamp = device === null ? null : civilMs(device);
  const shown = civilMsOfText(after.device);
  if (stamp === null || shown === null) return before;
  const latestStamp = stamp + (device?.second === null ? MINUTE : 0);
  const stopped = before === null ? null : civilMsOfText(before.device);
  // The clock was set at some time between the two pairs.
  const betweenPairs = before === null ? 0 : after.hub.monoMs - before.hub.monoMs;
  const canBeNew =
    latestStamp >= shown - betweenPairs - after.uncertaintyMs &&
    stamp <= shown + (nowMonoMs - after.hub.monoMs) + after.uncertaintyMs;
  if (!canBeNew) return before;
  if (before === null || stopped === null) return after;
  if (stamp > stopped + betweenPairs + before.uncertaintyMs + after.uncertaintyMs) return after;
  const stepMs = Math.abs(shown - stopped - betweenPairs) + after.uncertaintyMs;
  return { ...before, uncertaintyMs: before.uncertaintyMs + stepMs };
};

/**
 * The pair of an exchange: asked at one moment, answered at another, the sensor's clock read somewhere between. Its
 * uncertainty is half the round trip and the second in which sensor clocks answer.
 */
export const exchangePair = (device: string, asked: Arrival, answered: Arrival): ClockPair => {
  const half = (answered.monoMs - asked.monoMs) / 2;
  const hub = {
    ...answered,
    utc: answered.utc === null ? null : epochMs(answered.utc - half),
    monoMs: millis(answered.monoMs - half),
  };
  return { device, hub, uncertaintyMs: RESOLUTION + half };
};

/** Milliseconds that the sensor is ahead of the home's local time; null where one of the clocks is not known. */
export const aheadOf = (pair: ClockPair | null, zone: Zone): number | null => {
  const device = pair === null ? null : civilMsOfText(pair.device);
  const hub = pair?.hub.utc ?? null;
  return device === null || hub === null ? null : device - (hub + zone.offsetAt(hub));
};

/**
 * The local time to set the sensor to, or null: where the hub's own clock is not trusted, and where the sensor is right
 * as far as the exchange can tell, so that it is not set without need.
 */
export const timeToSet = (pair: ClockPair | null, now: Arrival, zone: Zone): DateTime | null => {
  if (now.utc === null) return null;
  const ahead = aheadOf(pair, zone);
  const isRight = pair !== null && ahead !== null && Math.abs(ahead) <= pair.uncertaintyMs;
  return isRight ? null : dateTimeOf(now.utc + zone.offsetAt(now.utc));
};
