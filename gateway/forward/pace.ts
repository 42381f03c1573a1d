import { type Millis, millis } from "../../protocol/time.ts";

/**
 * How much is sent at once. `bytes` is what a batch may hold, `ceiling` the most that this link has been seen to carry,
 * `window` how many messages may be in flight, `quickest` the round trip of an idle link.
 */
export interface Pace {
  readonly bytes: number;
  readonly ceiling: number;
  readonly window: number;
  readonly quickest: Millis | null;
  /** What even the smallest batch took; null where none was sent yet. */
  readonly distance: Millis | null;
}

/** 45 readings of 1.4 kB: larger batches gain nothing and delay the live reading behind them. */
export const MOST_BATCH_BYTES = 64 * 1024;
/** One reading fits; at 9.6 kbit/s it takes two seconds. */
const LEAST_BATCH_BYTES = 2 * 1024;
const FIRST_BATCH_BYTES = 8 * 1024;

/**
 * Live messages at a time. What comes in while both are under way goes together in the next one: a flood of readings is
 * sent in few messages, and a lone reading waits for nobody.
 */
export const MOST_LIVE_IN_FLIGHT = 2;
/**
 * With three batches of the backlog under way the broker always has one to work on, and a live reading has at most
 * 192 kB before it: 20 ms of a link that carries 10 MB/s. A slower one has fewer and smaller ones, see below.
 */
const MOST_BACKLOG_IN_FLIGHT = 3;
export const MOST_IN_FLIGHT = MOST_LIVE_IN_FLIGHT + MOST_BACKLOG_IN_FLIGHT;
/** One for the backlog, one that is free for a live reading. */
const LEAST_IN_FLIGHT = 2;

/** Messages of the backlog that may be in flight where `window` may be in all: live readings find a place at once. */
export const placesOfBacklog = (window: number): number => Math.max(1, window - MOST_LIVE_IN_FLIGHT);

/**
 * How far above the idle link's a round trip may be: what it is longer is a queue on the way, and a live reading stands in
 * that queue as well. Up to `quick` there is room for more; above `slow` a live reading would wait for more than twice as
 * long as on an idle link. The constants are what a broker takes for a batch.
 */
const quick = (quickest: number): number => 1.25 * quickest + 15;
const slow = (quickest: number): number => 2 * quickest + 30;
/**
 * Nobody waits longer than this for a queue of our own, whatever an idle link was thought to be: a modem's first batch
 * is a queue by itself. What the smallest batch takes is the distance, and half of it more is allowed.
 */
const LONGEST_QUEUE = 2000;
const longest = (distance: number | null): number => Math.max(LONGEST_QUEUE, 1.5 * (distance ?? 0));
/**
 * Where even the smallest batches are slow the link has got longer: the idle round trip is forgotten at 5 % an answer.
 * Not before: a queue of our own must not pass for the link.
 */
const FORGETTING = 1.05;
/** What a loss took away comes back slowly: some 40 full batches for each doubling. */
const RECOVERY = 1.02;
/** Gentle: what is sent until the first answer tells that it was too much stands before live readings. */
const GROWTH = 1.5;

export const firstPace: Pace = {
  bytes: FIRST_BATCH_BYTES,
  ceiling: MOST_BATCH_BYTES,
  window: LEAST_IN_FLIGHT,
  quickest: null,
  distance: null,
};

/** A batch that filled its measure came back after `roundTrip`: grow while that is quick, shrink when it is slow. */
export const paceAfterAck = (pace: Pace, roundTrip: Millis, filled: boolean): Pace => {
  const isSmallest = pace.bytes <= LEAST_BATCH_BYTES;
  const known = pace.quickest === null ? roundTrip : pace.quickest * (isSmallest ? FORGETTING : 1);
  const quickest = millis(Math.min(roundTrip, known));
  const seen = { ...pace, quickest, distance: isSmallest ? roundTrip : pace.distance };
  if (roundTrip > Math.min(slow(quickest), longest(seen.distance))) return shrunk(seen);
  if (!filled || roundTrip > quick(quickest)) return seen;
  const isLargest = pace.bytes >= pace.ceiling;
  return {
    ...seen,
    bytes: Math.min(pace.bytes * GROWTH, pace.ceiling),
    window: isLargest ? Math.min(pace.window + 1, MOST_IN_FLIGHT) : pace.window,
    ceiling: Math.min(pace.ceiling * RECOVERY, MOST_BATCH_BYTES),
  };
};

const shrunk = (pace: Pace): Pace => ({
  ...pace,
  bytes: Math.max(LEAST_BATCH_BYTES, pace.bytes / 2),
  window: Math.max(LEAST_IN_FLIGHT, Math.floor(pace.window / 2)),
});

/** The broker says that it is too much: a quota. */
export const paceAfterQuota = shrunk;

/**
 * The link broke with messages unanswered, the largest of `largest` bytes. A 3.1.1 broker that finds a message too
 * large has no other way to say so; the next ones stay below half of it.
 */
export const paceAfterLoss = (pace: Pace, largest: number): Pace => {
  const ceiling = Math.max(LEAST_BATCH_BYTES, Math.min(pace.ceiling, largest / 2));
  return { ...firstPace, bytes: Math.min(pace.bytes, ceiling), ceiling };
};
