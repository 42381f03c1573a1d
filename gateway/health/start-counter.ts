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
 * That a start stored a reading is not written when it does: it may be killed in the next millisecond. The next start
 * sees it, for numbers were given since.
 *
 * The file needs no fsync: it tells one process of a boot what became of the one before, and that survives in the
 * kernel's cache. A cut of the power ends the boot.
 */
export interface StartCounter {
  /** Such starts before this one, as far as is known: `opened` may find that there were none. */
  readonly crashes: number;
  /** The outbox is open; `newest` is the highest number that it ever gave, 0 for none. */
  opened(newest: number): Promise<void>;
  /** This start came to something, or ended in order. */
  succeeded(): Promise<void>;
}

export interface StartCounterOptions {
  readonly file: string;
  readonly bootId: string;
  readonly logger: Logger;
}

interface Starts {
  readonly starts: number;
  /** Highest number that was given when the last of them opened the outbox; null where none did. */
  readonly newest: number | null;
}

const NONE: Starts = { starts: 0, newest: null };

const read = async (file: string, bootId: string): Promise<Starts> => {
  try {
    const { schema, boot, starts, newest } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    if (schema !== "starts/1" || boot !== bootId || !Number.isSafeInteger(starts)) return NONE;
    return { starts: Math.max(0, Number(starts)), newest: Number.isSafeInteger(newest) ? Number(newest) : null };
  } catch {
    // None yet, or none that makes sense: whoever counts wrong must not keep sensors from being read.
    return NONE;
  }
};

/** Counts this start. A disk that refuses is no reason not to start: then nothing is counted. */
export const openStartCounter = async ({ file, bootId, logger }: StartCounterOptions): Promise<StartCounter> => {
  const before = await read(file, bootId);
  let crashes = before.starts;
  let newest = before.newest;
  let isOpened = false;
  let noted = "";
  let writing: Promise<void> = Promise.resolve();

  const write = async (starts: number): Promise<void> => {
    const text = `${JSON.stringify({ schema: "starts/1", boot: bootId, starts, newest })}\n`;
    if (noted === text) return;
    noted = text;
    try {
      await createDirectory(dirname(file));
      await writeFile(`${file}.new`, text, { mode: 0o600 });
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
  return {
    get crashes() {
      return crashes;
    },
    opened: (given) => {
      // Only of the start before: what this one stored, it may open the outbox again for.
      if (!isOpened && newest !== null && given > newest) crashes = 0;
      isOpened = true;
      newest = given;
      return inTurn(crashes + 1);
    },
    succeeded: () => inTurn(0),
  };
};
