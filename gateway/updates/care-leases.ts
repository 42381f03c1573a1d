import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";

/** No measurement with an end of its own takes longer: a spirometry with its rests takes some ten minutes. */
export const LONGEST_LEASE: Millis = minutes(15);
/**
 * What shows only by what it sends is over when it has been silent for this long, where its driver says nothing else: an
 * oximeter that lost its pulse, or a scale that somebody steps on once more, is back before.
 */
export const LULL: Millis = seconds(30);
/**
 * A stream is one measurement for this long: a night. Worn for longer it is supervision without an end, and a restart of
 * some seconds costs it one reading of a minute at most; it must not keep a release away for ever.
 */
export const LONGEST_STREAM: Millis = minutes(12 * 60);

/** A measurement that is under way. */
export interface CareLease {
  /** It is over. Idempotent. */
  end(): void;
}

/** What an update must not interrupt. Nothing of it outlives the process, and nothing of it lasts for ever. */
export interface CareLeases {
  /** `what` has begun. It counts until its end, and never for longer than `longest` (at most LONGEST_LEASE). */
  begin(what: string, longest: Millis): CareLease;
  /** `what` has sent something: it counts until `lull` after the last of it, and for LONGEST_STREAM in one. */
  heard(what: string, lull: Millis): void;
  /** What is under way, that which began first; null: nothing is. */
  held(): { readonly what: string; readonly since: Millis } | null;
}

interface Holding {
  readonly what: string;
  readonly since: Millis;
  readonly until: Millis;
}

export const createCareLeases = ({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }): CareLeases => {
  const leases = new Set<Holding>();
  /** By sensor, so there are as many as sensors. */
  const streams = new Map<string, Holding>();

  const dropLeaked = (): void => {
    const now = clock.elapsed();
    for (const lease of leases) {
      if (now < lease.until) continue;
      leases.delete(lease);
      logger.warn("a measurement did not tell its end, updates do not wait for it any more", { text: lease.what });
    }
  };

  const isUnderWay = ({ since, until }: Holding): boolean => {
    const now = clock.elapsed();
    return now < until && now - since < LONGEST_STREAM;
  };

  return {
    begin: (what, longest) => {
      dropLeaked();
      const since = clock.elapsed();
      const lease = { what, since, until: millis(since + Math.min(longest, LONGEST_LEASE)) };
      leases.add(lease);
      return {
        end: () => {
          leases.delete(lease);
        },
      };
    },
    heard: (what, lull) => {
      const now = clock.elapsed();
      const before = streams.get(what);
      const since = before !== undefined && now < before.until ? before.since : now;
      streams.set(what, { what, since, until: millis(now + lull) });
    },
    held: () => {
      dropLeaked();
      const [first] = [...leases, ...[...streams.values()].filter(isUnderWay)].sort((a, b) => a.since - b.since);
      return first === undefined ? null : { what: first.what, since: first.since };
    },
  };
};
