import type { TimeFault } from "../../protocol/reading.ts";
import type { ClockPair } from "../driver.ts";
import { civilMsOfText } from "./civil-time.ts";
import { EARLIEST, lostClockFault } from "./lost-clock.ts";
import { type Start, type TimeInput, unknownStart, withHubError } from "./time-input.ts";
import type { Zone } from "./zone.ts";

/**
 * Drift allowed to a sensor's crystal: 20 ppm as made + 25 ppm at 27 K off its 25 degrees (0.034 ppm/K2) + 5 ppm
 * ageing = 50 ppm, 4.3 s a day.
 */
const DRIFT = 50e-6;
/** Sensors stamp in whole seconds, some in whole minutes. */
const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;
/** Without a pair, a stamp this close to its reception is that of a measurement made just now. */
const FRESH = 120_000;
/** An hour that clocks were turned by, where it cannot be known which side the sensor was on. */
const TURNED_HOUR = 3_600_000;
/** A clock that is off by more than this now has itself started again from its factory date; nobody turns such a one. */
const LOST_CLOCK = 30 * DAY;
/** Looks for a change of clocks between two instants: shorter than any daylight-saving period on record (29 days). */
const LOOK_EVERY = 28 * DAY;
/** Looks at most: a record of two years. */
const MOST_LOOKS = 26;

interface ZoneInstant {
  readonly utc: number;
  /** How far it may be off for the hour that was turned. */
  readonly turnedMs: number;
}

/** A civil time of the zone that cannot be after `latest`. */
const instantBefore = (civil: number, zone: Zone, reference: number, latest: number): ZoneInstant => {
  const { earlier, later, skipped } = zone.instantOf(civil);
  if (skipped) return { utc: earlier, turnedMs: TURNED_HOUR };
  if (later === null || later > latest) return { utc: earlier, turnedMs: 0 };
  const utc = Math.abs(later - reference) <= Math.abs(earlier - reference) ? later : earlier;
  return { utc, turnedMs: later - earlier };
};

/** The same of a civil time that is known to `looseMs`: next to the hour that was turned, it may be in it. */
const looseInstantBefore = (
  civil: number,
  zone: Zone,
  reference: number,
  latest: number,
  looseMs: number,
): ZoneInstant => {
  const found = instantBefore(civil, zone, reference, latest);
  const reach = looseMs + 2 * TURNED_HOUR;
  if (zone.offsetAt(found.utc - reach) === zone.offsetAt(found.utc + reach)) return found;
  const around = [civil - looseMs, civil + looseMs]
    .map((other) => ({ other, ...instantBefore(other, zone, reference, latest + looseMs) }))
    .filter(({ utc }) => utc <= latest + looseMs);
  const turned = around.map(({ other, utc, turnedMs }) =>
    Math.max(turnedMs, Math.abs(utc - other - (found.utc - civil))),
  );
  return { utc: found.utc, turnedMs: Math.max(found.turnedMs, ...turned) };
};

/** How far apart the offsets of the zone were, at most, between two instants, each of which may be off by an hour. */
const turnedBetween = (zone: Zone, one: number, other: number): number => {
  const [from, to] = [Math.min(one, other) - 2 * TURNED_HOUR, Math.max(one, other) + TURNED_HOUR];
  let [least, most] = [zone.offsetAt(to), zone.offsetAt(to)];
  let looks = 0;
  for (let at = from; at < to && looks < MOST_LOOKS; at += LOOK_EVERY) {
    const offset = zone.offsetAt(at);
    least = Math.min(least, offset);
    most = Math.max(most, offset);
    looks += 1;
  }
  return most - least;
};

/**
 * No pair: only the reception itself can witness the stamp. One within two minutes of it is taken for a measurement
 * that was just made, so that the truth lies between reception and the longest way to it, wherever the stamp is.
 */
const startByReception = (civil: number, hubUtc: number, input: TimeInput): Start => {
  const { at, device, durationMs, receptionDelayMs, zone } = input;
  // What took a while was received at its end.
  const begun = hubUtc - durationMs;
  const resolution = device?.second === null ? MINUTE : SECOND;
  const slack = SECOND + (at.hubClock.errorMs ?? 0);
  const { earlier, later } = zone.instantOf(civil);
  for (const utc of later === null ? [earlier] : [later, earlier]) {
    const lag = begun - utc;
    if (input.isStored || Math.abs(lag) > FRESH) continue;
    if (lag < -slack) {
      const uncertaintyMs = withHubError(receptionDelayMs, at);
      return { utc: begun, basis: "reception", uncertaintyMs, faults: ["future"] };
    }
    const uncertaintyMs = withHubError(Math.max(Math.abs(lag), receptionDelayMs) + resolution, at);
    return { utc, basis: "device-synced", uncertaintyMs, faults: [] };
  }
  return earlier > begun + slack ? unknownStart("future", "timeline-unknown") : unknownStart("timeline-unknown");
};

interface ReadTogether {
  readonly pair: ClockPair;
  /** The sensor's side of the pair on the civil time line, and the hub's in UTC as its clock is trusted now. */
  readonly pairCivil: number;
  readonly pairUtc: number;
  /** What the two may differ by without telling anything. */
  readonly toleranceMs: number;
  /** How far the sensor is ahead of the home's local time. */
  readonly aheadMs: number;
  /** Clocks were turned so close to the pair that it cannot be told on which side it was. */
  readonly turningMs: number;
}

const readTogether = (pair: ClockPair, pairCivil: number, hubUtc: number, { at, zone }: TimeInput): ReadTogether => {
  const pairUtc = hubUtc - (at.monoMs - pair.hub.monoMs);
  const toleranceMs = pair.uncertaintyMs + (at.hubClock.errorMs ?? 0);
  const [before, after] = [zone.offsetAt(pairUtc - toleranceMs), zone.offsetAt(pairUtc + toleranceMs)];
  const [aheadBefore, aheadAfter] = [pairCivil - (pairUtc + before), pairCivil - (pairUtc + after)];
  const aheadMs = Math.abs(aheadBefore) < Math.abs(aheadAfter) ? aheadBefore : aheadAfter;
  return { pair, pairCivil, pairUtc, toleranceMs, aheadMs, turningMs: Math.abs(after - before) };
};

interface Shifted {
  readonly utc: number;
  readonly isSynced: boolean;
  /** How far it may be off beyond what the pair itself tells; null: not known. */
  readonly looseMs: number | null;
  readonly isFold: boolean;
}

/**
 * Rule 3. A sensor that agrees with the home's local time is read in the home's zone: somebody turns it, or it turns
 * itself; or nobody did and the change of clocks put it right: both are within the uncertainty. Any other sensor is
 * shifted by what the clocks differ now, which is right for one that nobody turned. Where clocks were turned since and
 * the sensor does not show that it was left alone, the hour is in the uncertainty.
 */
const shiftedBy = (civil: number, latest: number, read: ReadTogether, { zone }: TimeInput): Shifted => {
  const { pairCivil, pairUtc, toleranceMs, aheadMs, turningMs } = read;
  const shifted = civil - (pairCivil - pairUtc);
  if (Math.abs(aheadMs) <= toleranceMs) {
    const knownTo = read.pair.uncertaintyMs + Math.abs(aheadMs) + DRIFT * Math.abs(pairUtc - shifted);
    const { utc, turnedMs } = looseInstantBefore(civil, zone, shifted, latest, knownTo);
    // Measured after clocks were turned, on one that was not, in a session that went on meanwhile.
    const wasLeftAlone = utc > latest && shifted <= latest;
    if (wasLeftAlone) return { utc: shifted, isSynced: false, looseMs: turningMs, isFold: false };
    const changedMs = Math.abs(zone.offsetAt(utc) - (pairCivil - aheadMs - pairUtc));
    const looseMs = Math.abs(aheadMs) + Math.max(turnedMs, changedMs, turningMs);
    return { utc, isSynced: true, looseMs, isFold: turnedMs > 0 };
  }
  // It still shows the time of the offset that the stamp, or the hour before it, had.
  const showsOldOffset = [shifted, shifted - 2 * TURNED_HOUR].some(
    (utc) => Math.abs(pairCivil - (pairUtc + zone.offsetAt(utc))) <= toleranceMs,
  );
  const isLeftAlone = Math.abs(aheadMs) > LOST_CLOCK || (showsOldOffset && turningMs === 0);
  const looseMs = isLeftAlone ? 0 : turnedBetween(zone, shifted, pairUtc);
  return { utc: shifted, isSynced: false, looseMs, isFold: false };
};

/** Where a stamp may lie on one timeline. */
interface Candidate {
  readonly utc: number;
  /** Null: not known. */
  readonly looseMs: number | null;
}

/** How long before its end a timeline that the hub did not see begin may have begun. */
const ENDLESS = Number.NEGATIVE_INFINITY;

/** The instants that a stamp may mean on timelines that ended, each with how far it may be off. */
const endedCandidates = (civil: number, { pair }: ReadTogether, zone: Zone): readonly Candidate[] => {
  let began = ENDLESS;
  return (pair.ended ?? []).flatMap(({ device, utcMs, uncertaintyMs }) => {
    const endCivil = civilMsOfText(device);
    if (endCivil === null) return [];
    const utc = civil - (endCivil - utcMs);
    const isLost = Math.abs(endCivil - (utcMs + zone.offsetAt(utcMs))) > LOST_CLOCK;
    const looseMs = DRIFT * Math.abs(utcMs - utc) + (isLost ? 0 : turnedBetween(zone, utc, utcMs));
    const slackMs = (uncertaintyMs ?? MINUTE) + looseMs + MINUTE;
    const isOnIt = utc >= began - slackMs && utc <= utcMs + slackMs;
    began = utcMs;
    return isOnIt ? [{ utc, looseMs: uncertaintyMs === null ? null : uncertaintyMs + looseMs }] : [];
  });
};

/**
 * Rule 4: a stamp that only an ended timeline explains is read on that one. Where several explain it, the newest with
 * the distance to the others in its uncertainty; null where none does.
 */
const onTimeline = (
  civil: number,
  latest: number,
  present: Shifted,
  read: ReadTogether,
  input: TimeInput,
): Shifted | null => {
  const last = read.pair.ended?.at(-1);
  if (last === undefined) return present;
  const presentLooseMs = present.looseMs ?? 0;
  const slackMs = read.toleranceMs + (last.uncertaintyMs ?? MINUTE) + presentLooseMs + MINUTE;
  const driftMs = DRIFT * Math.abs(read.pairUtc - present.utc);
  const isSince = present.utc >= last.utcMs - slackMs - driftMs;
  const isPresent = isSince && present.utc <= latest;
  const ended = endedCandidates(civil, read, input.zone);
  const newest = ended.at(-1);
  if (newest === undefined) return isPresent || present.utc > latest ? present : null;
  const chosen: Shifted = isPresent ? present : { ...newest, isSynced: false, isFold: false };
  const mayBePresent = isSince && present.utc - presentLooseMs <= latest;
  const others: readonly Candidate[] = mayBePresent ? [...ended, present] : ended;
  let looseMs = chosen.looseMs;
  for (const other of others) {
    const reach = other.looseMs === null ? null : Math.abs(other.utc - chosen.utc) + other.looseMs;
    looseMs = looseMs === null || reach === null ? null : Math.max(looseMs, reach);
  }
  return { ...chosen, looseMs };
};

/** Both clocks were read together: rules 3 and 4, with rule 7's uncertainty. */
const startByPair = (civil: number, hubUtc: number, read: ReadTogether, input: TimeInput): Start => {
  const { pair, pairUtc, aheadMs } = read;
  const { at, device, madeMs = null } = input;
  const latest = hubUtc + read.toleranceMs;
  const found = onTimeline(civil, latest, shiftedBy(civil, latest, read, input), read, input);
  if (found === null) return unknownStart("timeline-unknown");
  const { utc, isSynced, looseMs, isFold } = found;
  if (utc > latest) return unknownStart("future", "timeline-unknown");
  const lost = lostClockFault(civil, hubUtc, madeMs);
  const isOnEnded = pair.ended !== undefined && utc <= (pair.ended.at(-1)?.utcMs ?? 0);
  if (lost !== null && Math.abs(aheadMs) <= LOST_CLOCK && !isOnEnded) return unknownStart(lost, "timeline-unknown");
  if (utc < EARLIEST) return unknownStart("timeline-unknown");
  // A pair's own uncertainty covers clocks that show seconds; a stamp without them adds its minute.
  const coarseMs = device?.second === null ? MINUTE : 0;
  const knownMs = pair.uncertaintyMs + DRIFT * Math.abs(pairUtc - utc) + coarseMs;
  const uncertaintyMs = looseMs === null ? null : withHubError(knownMs + looseMs, at);
  const faults: TimeFault[] = [];
  if (isFold) faults.push("dst-fold");
  if (lost !== null) faults.push(lost);
  return { utc, basis: isSynced ? "device-synced" : "device-corrected", uncertaintyMs, faults };
};

/** When a record with a complete stamp (on the civil time line) was measured, for a hub that knows the time. */
export const stampedStart = (civil: number, hubUtc: number, input: TimeInput): Start => {
  const { pair, at, madeMs = null } = input;
  const pairCivil = pair === null ? null : civilMsOfText(pair.device);
  // A monotonic clock only measures within one boot, so a pair of another boot says nothing about this arrival.
  if (pair !== null && pairCivil !== null && pair.hub.bootId === at.bootId) {
    return startByPair(civil, hubUtc, readTogether(pair, pairCivil, hubUtc, input), input);
  }
  const lost = lostClockFault(civil, hubUtc, madeMs);
  return lost === null ? startByReception(civil, hubUtc, input) : unknownStart(lost, "timeline-unknown");
};
