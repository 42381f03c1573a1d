import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { createDirectory } from "../store/outbox-files.ts";

/** Starts in a row that came to nothing, after which the next one reads no sensors. */
export const MOST_CRASHES = 5;

/**
 * How often this hub was started in this boot without coming to anything: it crashed, or was killed, before it had
 * stored one reading and before it had run for a while. Starts of the machine count anew: somebody who pulls the plug
 * five times has no broken hub.
 *
 * The file needs no fsync: it tells one process of a boot what became of the one before, and that survives in the
 * kernel's cache. A cut of the power ends the boot.
 */
export interface StartCounter {
  /** Such starts before this one. */
  readonly crashes: number;
  /** This start came to something, or ended in order. */
  succeeded(): Promise<void>;
}

export interface StartCounterOptions {
  readonly file: string;
  readonly bootId: string;
  readonly logger: Logger;
}

const read = async (file: string, bootId: string): Promise<number> => {
  try {
    const { schema, boot, starts } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    return schema === "starts/1" && boot === bootId && Number.isSafeInteger(starts) ? Math.max(0, Number(starts)) : 0;
  } catch {
    // None yet, or none that makes sense: whoever counts wrong must not keep sensors from being read.
    return 0;
  }
};

/** Counts this start. A disk that refuses is no reason not to start: then nothing is counted. */
export const openStartCounter = async ({ file, bootId, logger }: StartCounterOptions): Promise<StartCounter> => {
  const crashes = await read(file, bootId);
  let noted = -1;
  let writing: Promise<void> = Promise.resolve();

  const write = async (starts: number): Promise<void> => {
    if (noted === starts) return;
    noted = starts;
    try {
      await createDirectory(dirname(file));
      await writeFile(`${file}.new`, `${JSON.stringify({ schema: "starts/1", boot: bootId, starts })}\n`, {
        mode: 0o600,
      });
      await rename(`${file}.new`, file);
    } catch (thrown) {
      logger.warn("start not counted", { path: file, reason: messageOf(thrown) });
    }
  };
  const inTurn = (starts: number): Promise<void> => {
    writing = writing.then(() => write(starts));
    return writing;
  };
  await inTurn(crashes + 1);
  return { crashes, succeeded: () => inTurn(0) };
};
