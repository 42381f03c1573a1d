import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import {
  type Arrival,
  type EpochMs,
  epochMs,
  type HubClockState,
  type Millis,
  millis,
  seconds,
} from "../../protocol/time.ts";
import { replaceDurably } from "../store/durable-file.ts";

/** Monotonic and wall clock of one boot at one moment, the first at which the wall clock was trusted. */
export interface ClockAnchor {
  readonly bootId: string;
  readonly monoMs: Millis;
  readonly utc: EpochMs;
  readonly hubClock: { readonly state: HubClockState; readonly errorMs: number | null };
}

/**
 * How long a clock that is set, but whose error is not known, is looked at for a better word before it is taken as it
 * is: synchronisation shows up to 30 s after it set the clock (hub-time.ts), twice that.
 */
const PATIENCE = seconds(60);
const LOOK_EVERY = seconds(5);

export interface ClockAnchorKeeper {
  /** The anchor of this boot; null until its clock was trusted. Once there it does not change any more. */
  current(): ClockAnchor | null;
  /** Look for it until it is there or `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ClockAnchorOptions {
  readonly file: string;
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
  /** It is there now, and durable: readings of this boot can be given their times. */
  readonly onAnchored: () => void;
}

const isAnchor = (value: unknown): value is ClockAnchor & { readonly schema: string } => {
  const { schema, bootId, monoMs, utc, hubClock } = (value ?? {}) as Record<string, unknown>;
  const clock = (hubClock ?? {}) as Record<string, unknown>;
  return (
    schema === "clock-anchor/1" &&
    typeof bootId === "string" &&
    Number.isFinite(monoMs) &&
    Number.isFinite(utc) &&
    typeof clock.state === "string" &&
    (clock.errorMs === null || Number.isFinite(clock.errorMs))
  );
};

/** The anchor that an earlier process of this boot wrote; null for none, for one of another boot and for a damaged one. */
const readAnchor = async (file: string, bootId: string, logger: Logger): Promise<ClockAnchor | null> => {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (!isAnchor(value)) throw new Error("other content");
    const { monoMs, utc, hubClock } = value;
    return value.bootId === bootId ? { bootId, monoMs: millis(monoMs), utc: epochMs(utc), hubClock } : null;
  } catch (thrown) {
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (!isAbsent) logger.warn("clock anchor not readable, taken anew", { path: file, reason: messageOf(thrown) });
    return null;
  }
};

/**
 * Keeps the anchor of this boot in a file, so that a hub process that is started again in the same boot gives a reading
 * the same times as the one before it: what is sent again is the same.
 */
export const openClockAnchor = async (options: ClockAnchorOptions): Promise<ClockAnchorKeeper> => {
  const { file, time, clock, logger, onAnchored } = options;
  let anchor = await readAnchor(file, time.stamp().bootId, logger);
  /** The first of the stamps, without a gap, whose error is not known. */
  let candidate: Arrival | null = null;

  const find = (): ClockAnchor | null => {
    const stamp = time.stamp();
    const { utc, bootId, monoMs, hubClock } = stamp;
    if (utc === null) {
      candidate = null;
      return null;
    }
    candidate ??= stamp;
    const isDue = hubClock.errorMs !== null || monoMs - candidate.monoMs >= PATIENCE;
    return isDue ? { bootId, monoMs, utc, hubClock } : null;
  };

  const keep = async (found: ClockAnchor): Promise<void> => {
    try {
      await replaceDurably(file, `${JSON.stringify({ schema: "clock-anchor/1", ...found })}\n`);
    } catch (thrown) {
      // A process that is started again in this boot may then give times that differ by milliseconds.
      logger.warn("clock anchor not written", { path: file, reason: messageOf(thrown) });
    }
    anchor = found;
    logger.info("clock trusted, readings of this boot get their times", { state: found.hubClock.state });
    onAnchored();
  };

  return {
    current: () => anchor,
    run: async (signal) => {
      while (anchor === null && !signal.aborted) {
        const found = find();
        if (found !== null) await keep(found);
        else await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
  };
};
