import type { Zone } from "../../drivers/normalise/zone.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import type { Reading } from "../../protocol/reading.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";
import { backFill } from "../clock/back-fill.ts";
import type { ClockAnchor } from "../clock/clock-anchor.ts";

/**
 * A reading waits for the hub's clock so long, counted from its reception, and then goes without a time: a value that is
 * late is worse than one whose time the region works out from boot id and monotonic time. The design leaves this open
 * (protocol.md, Time 6: "as soon as the clock is trusted").
 */
export const MOST_WAIT = minutes(60);

/** Which readings can go now as far as their time is concerned, and with which time. */
export interface TimeGate {
  /**
   * True where `view` would leave every reading alone whose time of reception is known: it is not shown those then, which
   * saves taking their text apart. Left out: it is shown all.
   */
  readonly leavesTimed?: boolean;
  /** The readings as they are to be sent; those that have to wait for the clock are `held` from now on. */
  view(readings: readonly Reading[]): readonly Reading[];
  isHeld(seq: Seq): boolean;
  /** Those that waited and need not any more, ascending. They are not held from now on. */
  freed(): readonly Seq[];
  /** How long until the first of those that wait has waited long enough; null where none waits. */
  wait(): Millis | null;
  /** How many wait. */
  readonly held: number;
}

export interface TimeGateOptions {
  readonly time: HubTime;
  readonly anchor: () => ClockAnchor | null;
  /** In which sensors of this home keep local time. */
  readonly zone: Zone;
  /** The region asks for readings at once, with or without a time. */
  readonly publishWithoutTime: boolean;
}

/** Everything goes as it is: for a hub whose clock is always set. */
export const openGate: TimeGate = {
  leavesTimed: true,
  view: (readings) => readings,
  isHeld: () => false,
  freed: () => [],
  wait: () => null,
  held: 0,
};

/**
 * Readings without a time of reception, of this boot, get their times as soon as it has an anchor, and wait for it
 * until then (MOST_WAIT at most, not at all where `publishWithoutTime`). One of an earlier boot that never had a time
 * goes as it is: nobody will learn it any more. What waits is a number and a time for each reading of an hour.
 */
export const createTimeGate = ({ time, anchor, zone, publishWithoutTime }: TimeGateOptions): TimeGate => {
  const { bootId } = time.stamp();
  const held = new Map<Seq, number>();

  const isToWait = ({ time: { received } }: Reading, nowMonoMs: number): boolean =>
    received.utc === null &&
    received.bootId === bootId &&
    !publishWithoutTime &&
    nowMonoMs - received.monoMs < MOST_WAIT;

  return {
    leavesTimed: true,
    view: (readings) => {
      const found = anchor();
      if (found !== null) return readings.map((reading) => backFill(reading, found, zone));
      const { monoMs } = time.stamp();
      for (const reading of readings) {
        if (isToWait(reading, monoMs)) held.set(reading.seq, reading.time.received.monoMs);
      }
      return readings;
    },
    isHeld: (seq) => held.has(seq),
    freed: () => {
      if (held.size === 0) return [];
      const { monoMs } = time.stamp();
      const isAnchored = anchor() !== null;
      const free = [...held].filter(([, receivedMs]) => isAnchored || monoMs - receivedMs >= MOST_WAIT);
      for (const [seq] of free) held.delete(seq);
      return free.map(([seq]) => seq).toSorted((a, b) => a - b);
    },
    wait: () => {
      let first: number | null = null;
      for (const receivedMs of held.values()) {
        if (first === null || receivedMs < first) first = receivedMs;
      }
      return first === null ? null : millis(Math.max(0, first + MOST_WAIT - time.stamp().monoMs));
    },
    get held() {
      return held.size;
    },
  };
};
