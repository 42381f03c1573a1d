import type { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { Patience } from "./sent-ledger.ts";

export interface RestraintOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** [0, 1), for jitter. */
  readonly random: () => number;
}

/** Why, and for how long, readings are held back although there is a link. What is held back stays in the outbox. */
export interface Restraint {
  /** Nothing is sent. */
  readonly holdsAll: boolean;
  /** Only live readings are sent. */
  readonly holdsBacklog: boolean;
  /** As a sentence; null where nothing is held back and the region answers. */
  readonly trouble: string | null;
  /** When the next hold ends; null for none. */
  readonly endsAt: Millis | null;
  /** How long a receipt may take, the longer the less the region answers. */
  readonly patience: Patience;
  /** Readings of the backlog that may be unsettled. */
  readonly mostUnsettled: number;
  /** `count` readings were sent a while ago and no receipt came. */
  unanswered(count: number): void;
  /** The region settles what it gets. */
  answered(): void;
  /** The broker takes readings. */
  accepted(): void;
  /** The broker says "not now". */
  notNow(reason: string): void;
  /** The broker says "not here". */
  notHere(reason: string, reasonCode: number): void;
  /** The broker refuses whatever it gets. */
  nothingAtAll(reason: string): void;
  /** The broker has nobody to give readings to. */
  nobodyListens(): void;
  storageFault(error: HubError): void;
}

/** A message whose receipt does not come is sent again after this, and after twice as long each further time. */
export const RECEIPT_DEADLINE = seconds(60);
/** The region has said that it misses what the broker took; it may have spoken before it looked. */
const ASKED_DEADLINE = seconds(2);
const LONGEST_PATIENCE = minutes(60);
/** 2 s x 2^12 is above the longest patience. */
const MOST_DOUBLINGS = 12;

/** Readings under way to a region that answers; 8 192 numbers of 8 bytes, their text is not kept. */
const MOST_UNSETTLED = 8192;
/** To one that does not answer; what is sent again and again stays small. */
const MOST_UNSETTLED_IN_SILENCE = 256;

/** Twice as long each time, with jitter. */
const FIRST_QUOTA_PAUSE_MS = 5000;
const LONGEST_QUOTA_PAUSE_MS = 300_000;
const QUOTA_ALARM_AFTER = minutes(60);
/** Somebody at the region has to act first. */
const REGION_ACTS_PAUSE = minutes(15);
/** Live readings are tried meanwhile. */
const NO_SUBSCRIBER_PAUSE = minutes(1);
const STORAGE_PAUSE = seconds(5);

interface Hold {
  readonly until: Millis;
  readonly why: string;
}

export const createRestraint = ({ clock, logger, report, random }: RestraintOptions): Restraint => {
  let all: Hold | null = null;
  let backlog: Hold | null = null;
  /** How often in a row the receipt did not come. */
  let silences = 0;
  let quota: { readonly strikes: number; readonly since: Millis } | null = null;

  const now = (one: Hold | null): Hold | null => (one !== null && clock.elapsed() < one.until ? one : null);
  const holdFor = (delay: number, why: string): Hold => ({ until: millis(clock.elapsed() + delay), why });
  const longer = (base: Millis): Millis =>
    millis(Math.min(base * 2 ** Math.min(silences, MOST_DOUBLINGS), LONGEST_PATIENCE));

  return {
    get holdsAll() {
      return now(all) !== null;
    },
    get holdsBacklog() {
      return now(backlog) !== null;
    },
    get trouble() {
      const silent = silences > 0 ? "the region sends no receipts; readings are kept and sent again" : null;
      return now(all)?.why ?? now(backlog)?.why ?? silent;
    },
    get endsAt() {
      const ends = [now(all)?.until, now(backlog)?.until].filter((until) => until !== undefined);
      return ends.length === 0 ? null : millis(Math.min(...ends));
    },
    get patience() {
      return { unasked: longer(RECEIPT_DEADLINE), asked: longer(ASKED_DEADLINE) };
    },
    get mostUnsettled() {
      return silences === 0 ? MOST_UNSETTLED : MOST_UNSETTLED_IN_SILENCE;
    },
    unanswered: (count) => {
      silences += 1;
      logger.info("no receipt, sending again", { count, silences });
    },
    answered: () => {
      silences = 0;
    },
    accepted: () => {
      quota = null;
    },
    notNow: (reason) => {
      const at = clock.elapsed();
      quota = { strikes: (quota?.strikes ?? 0) + 1, since: quota?.since ?? at };
      const most = Math.min(FIRST_QUOTA_PAUSE_MS * 2 ** (quota.strikes - 1), LONGEST_QUOTA_PAUSE_MS);
      all = holdFor(most / 2 + (random() * most) / 2, `${reason}; readings are kept and sent more slowly`);
      logger.warn("broker asks to wait", { reason, strikes: quota.strikes });
      if (at - quota.since >= QUOTA_ALARM_AFTER) report("reading-refused", all.why, { state: "quota" });
    },
    notHere: (reason, reasonCode) => {
      all = holdFor(REGION_ACTS_PAUSE, `${reason}; the region must let this hub write its readings`);
      logger.warn("broker does not take readings", { reasonCode });
      report("reading-refused", all.why, { state: "not-authorised", reasonCode });
    },
    nothingAtAll: (reason) => {
      const why = `the broker refuses every reading: ${reason}; the region must look at its limits`;
      all = holdFor(REGION_ACTS_PAUSE, why);
      logger.warn("broker refuses every reading", { reason });
      report("reading-refused", why, { state: "all" });
    },
    nobodyListens: () => {
      if (now(backlog) === null) logger.warn("nobody subscribes to readings at the broker");
      backlog = holdFor(NO_SUBSCRIBER_PAUSE, "the region's receiver does not listen at the broker");
    },
    storageFault: (error) => {
      all = holdFor(STORAGE_PAUSE, error.message);
      logger.error("outbox cannot be read", { code: error.code, reason: error.message });
      report("storage-fault", `the outbox cannot be read: ${error.message}`, { state: "reading" });
    },
  };
};
