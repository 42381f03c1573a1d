import { HubError } from "../../protocol/errors.ts";

/** What a civil time means in a zone. `later` is null but in the repeated hour when clocks are turned back. */
export interface CivilInstant {
  /** UTC milliseconds. In the skipped hour: as the clock would have run on without being turned. */
  readonly earlier: number;
  readonly later: number | null;
  /** The civil time was skipped when clocks were turned forward: no clock of this zone showed it. */
  readonly skipped: boolean;
}

/** Offsets of one zone. Pure in what it answers; a created zone remembers what it has computed. */
export interface Zone {
  /** Milliseconds to add to UTC to get civil time at this instant. */
  offsetAt(utcMs: number): number;
  instantOf(civilMs: number): CivilInstant;
}

/** Zones by IANA name. */
export interface Zones {
  /** Throws HubError `invalid-config` for a name that the runtime's zone data does not have. */
  zone(name: string): Zone;
}

const DAY = 86_400_000;
/** Between two looks for a change of offset: shorter than any daylight-saving period on record (Morocco, 29 days). */
const LOOK_EVERY = 7 * DAY;
/** Offsets have changed at whole minutes in every zone since 1972 (IANA tz database). */
const CHANGE_RESOLUTION = 60_000;
/** No zone turns its clocks by more, and none twice within it: the clock face of yesterday and of tomorrow bracket. */
const BRACKET = DAY;
/** Years kept for one zone. Sensors send this year and, with a lost clock, a few factory years. */
const MAX_YEARS = 16;
/** Zones kept. A hub has one home. */
const MAX_ZONES = 8;

/** Offsets from `from` on, ascending; covers one UTC year. */
type YearOffsets = readonly { readonly from: number; readonly offset: number }[];

const OFFSET = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

const offsetReader = (name: string): ((utcMs: number) => number) => {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch (cause) {
    const message = `time zone ${JSON.stringify(name)}: not known here; use an IANA name such as Europe/Stockholm`;
    throw new HubError("invalid-config", message, { cause });
  }
  return (utcMs) => {
    const [, sign, hours, minutes, seconds] = OFFSET.exec(format.format(utcMs)) ?? [];
    const size = (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000;
    return sign === "-" ? -size : size;
  };
};

/** First instant after `low` with the offset of `high`, by halving. */
const changeBetween = (low: number, high: number, read: (utcMs: number) => number): number => {
  const after = read(high);
  let before = low;
  let change = high;
  while (change - before > CHANGE_RESOLUTION) {
    const middle = before + Math.floor((change - before) / 2 / CHANGE_RESOLUTION) * CHANGE_RESOLUTION;
    const probe = middle > before ? middle : before + CHANGE_RESOLUTION;
    if (read(probe) === after) change = probe;
    else before = probe;
  }
  return change;
};

const offsetsOfYear = (year: number, read: (utcMs: number) => number): YearOffsets => {
  const start = Date.UTC(year, 0, 1);
  const end = Date.UTC(year + 1, 0, 1);
  const found = [{ from: start, offset: read(start) }];
  for (let at = start; at < end; at += LOOK_EVERY) {
    const next = Math.min(at + LOOK_EVERY, end);
    const offset = read(next);
    if (offset !== found.at(-1)?.offset) found.push({ from: changeBetween(at, next, read), offset });
  }
  return found;
};

const createZone = (name: string): Zone => {
  const read = offsetReader(name);
  const years = new Map<number, YearOffsets>();

  /** The span of one offset that was asked for last: readings of a session are all in it. */
  let since = 0;
  let until = 0;
  let current = 0;

  const offsetsIn = (year: number): YearOffsets => {
    const known = years.get(year);
    if (known !== undefined) return known;
    const found = offsetsOfYear(year, read);
    if (years.size >= MAX_YEARS) years.clear();
    years.set(year, found);
    return found;
  };

  const offsetAt = (utcMs: number): number => {
    if (utcMs >= since && utcMs < until) return current;
    const year = new Date(utcMs).getUTCFullYear();
    const offsets = offsetsIn(year);
    let i = offsets.length - 1;
    while (i > 0 && utcMs < (offsets[i]?.from ?? 0)) i -= 1;
    const span = offsets[i];
    if (span === undefined) return 0;
    since = span.from;
    until = offsets[i + 1]?.from ?? Date.UTC(year + 1, 0, 1);
    current = span.offset;
    return current;
  };

  return {
    offsetAt,
    instantOf: (civil) => {
      const before = offsetAt(civil - BRACKET);
      const after = offsetAt(civil + BRACKET);
      const first = civil - before;
      if (before === after) return { earlier: first, later: null, skipped: false };
      const second = civil - after;
      const firstIsReal = offsetAt(first) === before;
      const secondIsReal = offsetAt(second) === after;
      if (firstIsReal && secondIsReal) return { earlier: first, later: second, skipped: false };
      if (secondIsReal) return { earlier: second, later: null, skipped: false };
      return { earlier: first, later: null, skipped: !firstIsReal };
    },
  };
};

/** A zone that is always `offsetMin` ahead of UTC: a sensor that sends its own offset. */
export const fixedZone = (offsetMin: number): Zone => ({
  offsetAt: () => offsetMin * 60_000,
  instantOf: (civil) => ({ earlier: civil - offsetMin * 60_000, later: null, skipped: false }),
});

/** Zones from the runtime's own zone data, each computed once per year that is asked for. Bounded. */
export const createZones = (): Zones => {
  const zones = new Map<string, Zone>();
  return {
    zone: (name) => {
      const known = zones.get(name);
      if (known !== undefined) return known;
      const made = createZone(name);
      if (zones.size >= MAX_ZONES) zones.clear();
      zones.set(name, made);
      return made;
    },
  };
};
