import { type EpochMs, type Millis, millis, minutes } from "../../protocol/time.ts";

/**
 * Programs that keep a machine's clock, in the order in which their word is taken; and the region, which keeps none, but
 * whose signed time (gateway/credentials/proven-time.ts) a clock can be compared with.
 */
export type SyncSource = "chrony" | "timesyncd" | "kernel" | "region";

/** What a source says of the wall clock at the moment when it was asked. */
export interface Synchronisation {
  readonly source: SyncSource;
  /** What the clock was compared with, as its source names it (address, or the four letters of a receiver); null: not told. */
  readonly reference: string | null;
  /** 1: the server has a receiver of its own; 15 at most (RFC 5905, 7.3). Null: not told. */
  readonly stratum: number | null;
  /** The wall clock is off by at most this, if the server at the root is right. */
  readonly boundMs: number;
  /** What the bound may grow by while nothing more is heard: milliseconds in a millisecond. */
  readonly drift: number;
  /** Time since the clock was last compared with the reference. */
  readonly ageMs: Millis;
  /** Names that comparison: a number that differs by a second or more from that of any other one of this source. */
  readonly comparison: number;
}

/** What came of asking one source. `absent`: it does not run here. `silent`: it runs and what it says is of no use. */
export type SourceAnswer =
  | { readonly tag: "synchronised"; readonly sync: Synchronisation }
  | { readonly tag: "unsynchronised"; readonly why: string }
  | { readonly tag: "silent"; readonly why: string }
  | { readonly tag: "absent" };

/** Quartz of a small board, with temperature: 50 parts in a million, 4.3 s a day. */
export const UNKNOWN_DRIFT = 50e-6;
/**
 * Least drift that is believed of a clock whose frequency was measured and put right. The measurement (chrony's skew) is
 * of the temperature of then: a crystal of a board in a room moves some 0.035 ppm for each square of a degree from its
 * turning point, 8 ppm for 15 degrees.
 */
const LEAST_DRIFT = 10e-6;

export const driftOfSkew = (skewPpm: number): number => Math.min(UNKNOWN_DRIFT, Math.max(LEAST_DRIFT, skewPpm * 1e-6));

/**
 * A comparison that is older has been given up: chrony and timesyncd ask every 1024 and 2048 s at the slowest, and four
 * questions in a row can get lost. After that the clock runs by itself.
 */
export const FRESH = minutes(140);

/** More is no synchronisation: where the kernel, too, says that the clock is not kept (adjtimex, STA_UNSYNC, 16 s). */
export const LARGEST_BOUND_MS = 16_000;

export const isFresh = ({ ageMs, boundMs }: Synchronisation): boolean => ageMs <= FRESH && boundMs <= LARGEST_BOUND_MS;

/**
 * What holds where several sources say that they keep the clock: the word of the first, with the largest bound and drift
 * that any of the fresh ones gives. Two that disagree steer one clock in turns, and it may be as far off as the worse
 * one says. One that has not compared for long says nothing against one that has. Null where none does.
 */
export const settle = (answers: readonly SourceAnswer[]): Synchronisation | null => {
  const all = answers.flatMap((answer) => (answer.tag === "synchronised" ? [answer.sync] : []));
  const fresh = all.filter(isFresh);
  const [first] = fresh;
  if (first === undefined) return all.toSorted((a, b) => a.ageMs - b.ageMs)[0] ?? null;
  const [bounds, drifts] = [fresh.map(({ boundMs }) => boundMs), fresh.map(({ drift }) => drift)];
  return { ...first, boundMs: Math.max(...bounds), drift: Math.max(...drifts) };
};

/**
 * `found`, in the light of a time that the region has signed and that is off by at most `errorMs` now. Alone it bounds
 * the error of a clock that nobody keeps. Beside a source that keeps it, it counts only where the two cannot both be
 * true: NTP is not authenticated, and the clock may then be as far off as the region says.
 */
export const withProven = (
  found: Synchronisation | null,
  proven: { readonly utc: EpochMs; readonly errorMs: number } | null,
  now: EpochMs,
): Synchronisation | null => {
  if (proven === null) return found;
  const offset = Math.abs(now - proven.utc);
  const boundMs = offset + proven.errorMs;
  const isContradicted = found !== null && offset - proven.errorMs > found.boundMs;
  if (found !== null && isFresh(found)) return isContradicted ? { ...found, boundMs } : found;
  if (found !== null && found.boundMs <= boundMs && !isContradicted) return found;
  const [source, drift, ageMs] = ["region", UNKNOWN_DRIFT, millis(0)] as const;
  return { source, reference: null, stratum: null, boundMs, drift, ageMs, comparison: now };
};

/** The bound after `span` without another word. */
export const boundAfter = ({ boundMs, drift }: Synchronisation, span: number): number =>
  Math.ceil(boundMs + drift * Math.max(0, span));

/** Whether both words rest on one comparison; a daemon that slews the clock moves the time of it by less than a second. */
export const isSameComparison = (one: Synchronisation, other: Synchronisation): boolean =>
  one.source === other.source && Math.abs(one.comparison - other.comparison) < 1000;

/** The clock may be slewed between the comparison and the look. */
const AHEAD_MS = 1000;

/** Age by the wall clock of a comparison at `at`, in milliseconds since 1970; null where it lies ahead: the clock was set. */
export const ageOf = (at: number, now: number): Millis | null => {
  const age = now - at;
  return Number.isFinite(age) && age >= -AHEAD_MS ? millis(Math.max(0, age)) : null;
};
