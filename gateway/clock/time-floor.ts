import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type EpochMs, epochMs, isoUtc, minutes } from "../../protocol/time.ts";
import { replaceDurably } from "../store/durable-file.ts";
import { CLOCK_CEILING, CLOCK_FLOOR } from "./judge-clock.ts";

/** Two small writes a quarter of a day: 3 kB a day of a card's life. A boot is known to be behind to within this. */
const WRITE_EVERY = minutes(360);
const LOOK_EVERY = minutes(1);

/** Keeps the latest time that is known to have been, across boots. */
export interface TimeFloor {
  /** No clock that is right says less. At least CLOCK_FLOOR. */
  current(): EpochMs;
  /** Note the time while it is synchronised, until `signal` aborts. */
  run(time: HubTime, signal: AbortSignal): Promise<void>;
}

export interface TimeFloorOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const inRange = (at: number): at is EpochMs => at >= CLOCK_FLOOR && at < CLOCK_CEILING;

const readFloor = async ({ file, logger }: TimeFloorOptions): Promise<EpochMs> => {
  try {
    const { schema, utc } = (JSON.parse(await readFile(file, "utf8")) ?? {}) as Record<string, unknown>;
    const at = schema === "time-floor/1" && typeof utc === "string" ? Date.parse(utc) : Number.NaN;
    if (!inRange(at)) throw new Error("other content");
    return at;
  } catch (thrown) {
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (!isAbsent) logger.warn("time floor not readable, taken anew", { path: file, reason: messageOf(thrown) });
    return CLOCK_FLOOR;
  }
};

/**
 * A board without a clock chip starts at the time of its image or of its last shutdown, and says nothing of it. This
 * file tells a clock that starts behind the last synchronised time of an earlier boot from one that may be right. Only a
 * synchronised time with a known error becomes the floor, less that error; and it also lowers one that lies ahead,
 * because that one was of an earlier word of the same kind: a server that once said 2040 must not set a hub back till
 * then.
 */
export const openTimeFloor = async (options: TimeFloorOptions): Promise<TimeFloor> => {
  const { file, clock, logger } = options;
  let floor = await readFloor(options);
  let writtenAt: number | null = null;

  const note = async (time: HubTime): Promise<void> => {
    const { utc, hubClock } = time.stamp();
    if (utc === null || hubClock.state !== "ntp" || hubClock.errorMs === null) return;
    const at = utc - hubClock.errorMs;
    const isDue = writtenAt === null || clock.elapsed() - writtenAt >= WRITE_EVERY;
    if (!inRange(at) || (at >= floor && !isDue)) return;
    floor = epochMs(at);
    writtenAt = clock.elapsed();
    try {
      await replaceDurably(file, `${JSON.stringify({ schema: "time-floor/1", utc: isoUtc(floor) })}\n`);
    } catch (thrown) {
      // The next boot then knows less; this one does not need the file.
      logger.warn("time floor not written", { path: file, reason: messageOf(thrown) });
    }
  };

  return {
    current: () => floor,
    run: async (time, signal) => {
      while (!signal.aborted) {
        await note(time);
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
  };
};
