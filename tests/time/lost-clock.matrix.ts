import { SECOND, type Situation } from "./situation.ts";

const NOON = "2026-06-15T12:01:00";

/** A sensor whose clock started again. */
export const LOST_CLOCK: readonly Situation[] = [
  {
    it: "a factory date from before the clock was set",
    stamp: "2010-01-01T00:05:00",
    at: NOON,
    shown: { clock: "2026-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: null, within: null, basis: "unknown", faults: ["factory-date", "timeline-unknown"] },
  },
  {
    it: "a clock that still runs from its factory date: shifted, and said",
    stamp: "2010-01-01T00:05:00",
    at: NOON,
    shown: { clock: "2010-01-01T00:06:00", at: "2026-06-15T12:00:58" },
    expect: { start: "2026-06-15T11:59:58", within: 1100, basis: "device-corrected", faults: ["factory-date"] },
  },
  {
    it: "a factory date in mid-session: the hub set the clock after the measurement",
    stamp: "2010-01-01T00:05:00",
    at: NOON,
    shown: { clock: "2010-01-01T00:06:00", at: "2026-06-15T12:00:40" },
    set: { clock: "2026-06-15T14:00:42", at: "2026-06-15T12:00:42" },
    expect: { start: "2026-06-15T11:59:40", within: 1100, basis: "device-corrected", faults: ["factory-date"] },
  },
  {
    it: "a real stamp, and a clock that runs from its factory date since",
    stamp: "2026-06-10T09:00:00",
    at: NOON,
    shown: { clock: "2019-01-01T03:00:00", at: "2026-06-15T12:00:58" },
    expect: { start: null, within: null, basis: "unknown", faults: ["future", "timeline-unknown"] },
  },
  {
    it: "a newer factory date, by its first of January long ago",
    stamp: "2019-01-01T00:00:30",
    at: NOON,
    shown: { clock: "2026-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: null, within: null, basis: "unknown", faults: ["factory-date", "timeline-unknown"] },
  },
  {
    it: "a newer factory date without a pair",
    stamp: "2019-01-01T00:00:30",
    at: NOON,
    expect: { start: null, within: null, basis: "unknown", faults: ["factory-date", "timeline-unknown"] },
  },
  {
    it: "a date before Bluetooth Low Energy, without a pair",
    stamp: "2000-05-17T10:00:00",
    at: NOON,
    expect: { start: null, within: null, basis: "unknown", faults: ["factory-date", "timeline-unknown"] },
  },
  {
    it: "New Year's Day of this year is no factory date",
    stamp: "2026-01-01T00:00:30",
    at: "2026-01-01T00:01:00",
    shown: { clock: "2026-01-01T01:00:58", at: "2026-01-01T00:00:58" },
    expect: { start: "2025-12-31T23:00:30", within: 3 * SECOND, basis: "device-synced" },
  },
  {
    it: "a sensor that was made after what its stamp says",
    stamp: "2023-08-20T10:00:00",
    made: "2025-02-03",
    at: NOON,
    shown: { clock: "2026-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: null, within: null, basis: "unknown", faults: ["before-manufacture", "timeline-unknown"] },
  },
  {
    it: "a sensor that was made after what its clock says: shifted, and said",
    stamp: "2023-08-20T10:00:00",
    made: "2025-02-03",
    at: NOON,
    shown: { clock: "2023-08-20T10:01:00", at: "2026-06-15T12:00:58" },
    expect: { start: "2026-06-15T11:59:58", within: 1100, basis: "device-corrected", faults: ["before-manufacture"] },
  },
  {
    it: "a sensor that was made the day before",
    stamp: "2026-06-15T14:00:00",
    made: "2026-06-14",
    at: NOON,
    shown: { clock: "2026-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: "2026-06-15T12:00:00", within: 1100, basis: "device-synced" },
  },
  {
    it: "a shift that leads to before Bluetooth Low Energy",
    stamp: "2026-06-15T14:00:00",
    at: NOON,
    shown: { clock: "2046-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: null, within: null, basis: "unknown", faults: ["timeline-unknown"] },
  },
  {
    it: "a factory date, set at a connection that broke: known, and said",
    stamp: "2010-01-01T00:05:00",
    at: NOON,
    ended: [{ clock: "2010-01-01T00:06:00", at: "2026-06-15T09:00:00" }],
    shown: { clock: "2026-06-15T14:00:58", at: "2026-06-15T12:00:58" },
    expect: { start: "2026-06-15T08:59:00", within: 3000, basis: "device-corrected", faults: ["factory-date"] },
  },
];
