import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type EpochMs, epochMs, isoUtc, minutes } from "../../protocol/time.ts";
import { CLOCK_CEILING, CLOCK_FLOOR } from "../clock/judge-clock.ts";
import { replaceDurably } from "../store/durable-file.ts";

/** The latest time that the region has signed for this hub. It survives a power cut, and never goes back. */
export interface SignedFloor {
  /** Null where none was signed yet. */
  current(): EpochMs | null;
  /** Durable when it resolves, where the disk can be written. */
  proven(utc: EpochMs): Promise<void>;
}

/** A block on the card each hour at most: what a floor is for is counted in days. */
const RAISE_BY = minutes(60);

const parseFloor = (text: string): EpochMs => {
  const { schema, utc } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const at = schema === "signed-floor/1" && typeof utc === "string" ? Date.parse(utc) : Number.NaN;
  if (!(at >= CLOCK_FLOOR && at < CLOCK_CEILING)) throw new Error("other content");
  return epochMs(at);
};

export const openSignedFloor = async (file: string, logger: Logger): Promise<SignedFloor> => {
  let floor: EpochMs | null = null;
  try {
    floor = parseFloor(await readFile(file, "utf8"));
  } catch (thrown) {
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (!isAbsent) logger.warn("signed time not readable, taken anew", { path: file, reason: messageOf(thrown) });
  }
  return {
    current: () => floor,
    proven: async (utc) => {
      if (utc < CLOCK_FLOOR || utc >= CLOCK_CEILING || (floor !== null && utc < floor + RAISE_BY)) return;
      floor = utc;
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await replaceDurably(file, `${JSON.stringify({ schema: "signed-floor/1", utc: isoUtc(utc) })}\n`);
      } catch (thrown) {
        // The next start then knows less; this one does not need the file.
        logger.warn("signed time not written", { path: file, reason: messageOf(thrown) });
      }
    },
  };
};
