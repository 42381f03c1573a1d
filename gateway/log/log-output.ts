import { write, writeSync } from "node:fs";
import type { Clock } from "../../protocol/ports/clock.ts";
import { isoUtc, millis } from "../../protocol/time.ts";

/**
 * Lines that wait for a slow reader: 1 MiB is some 6000 lines. Beyond it lines are dropped, so that neither memory nor
 * the event loop depends on who reads the log.
 */
const MOST_WAITING_BYTES = 1024 * 1024;

/** One write takes at most as much as a pipe holds (Linux pipe(7): 64 KiB). */
const MOST_PER_WRITE = 64 * 1024;

/** A pipe that is full is tried again after this. */
const FULL_PAUSE = millis(50);

/**
 * Where log lines go: a file descriptor, asynchronously, in order, bounded. pino's own destination is not used because
 * it waits without end, with the process, for a reader that has stalled or gone.
 */
export interface LogOutput {
  /** Whole lines with their ends. */
  write(line: string): void;
  /** Resolves when everything is written, or nobody reads any more. A stalled reader stalls it: bound the wait. */
  flush(): Promise<void>;
  /**
   * Write what the reader takes at once, for the end of the process in this very turn. Never throws. What is being
   * written at this moment may come twice.
   */
  flushNow(): void;
}

/** The calls of node:fs that are used, for readers of every kind. */
export interface LogFile {
  write(fd: number, bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  writeSync(fd: number, bytes: Uint8Array): number;
}

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "EAGAIN";

export const createLogOutput = (fd: number, clock: Clock, file: LogFile = { write, writeSync }): LogOutput => {
  const never = new AbortController().signal;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let gone = false;
  let writing: Promise<void> | null = null;

  const taken = (count: number): void => {
    let left = count;
    waitingBytes -= count;
    while (left > 0) {
      const [first] = waiting;
      if (first === undefined) return;
      if (first.length > left) waiting[0] = first.subarray(left);
      else waiting.shift();
      left -= first.length;
    }
  };

  const nobodyReads = (): void => {
    gone = true;
    waiting = [];
    waitingBytes = 0;
  };

  const nextChunk = (): Uint8Array => {
    let length = 0;
    const end = waiting.findIndex((line) => {
      length += line.length;
      return length > MOST_PER_WRITE;
    });
    return Buffer.concat(end < 0 ? waiting : waiting.slice(0, Math.max(1, end)));
  };

  const add = (line: string): boolean => {
    const bytes = Buffer.from(line);
    if (waitingBytes + bytes.length > MOST_WAITING_BYTES) return false;
    waiting.push(bytes);
    waitingBytes += bytes.length;
    return true;
  };

  /** The reader is back: it should know that it did not see everything. */
  const tellDropped = (): void => {
    const notice = { level: "warn", time: isoUtc(clock.now()), count: dropped, msg: "log lines dropped" };
    dropped = 0;
    add(`${JSON.stringify(notice)}\n`);
  };

  const writeOne = (): Promise<void> =>
    new Promise((resolve) => {
      file.write(fd, nextChunk(), (error, written) => {
        if (error === null) taken(written);
        else if (isFull(error)) return resolve(clock.sleep(FULL_PAUSE, never));
        else nobodyReads();
        resolve();
      });
    });

  const pump = async (): Promise<void> => {
    while (waiting.length > 0) {
      await writeOne();
      if (waiting.length === 0 && dropped > 0) tellDropped();
    }
    writing = null;
  };

  return {
    write: (line) => {
      if (gone) return;
      if (add(line)) writing ??= pump();
      else dropped += 1;
    },
    flush: async () => {
      await writing;
    },
    flushNow: () => {
      try {
        while (waiting.length > 0) taken(file.writeSync(fd, nextChunk()));
      } catch {
        // Full or gone: there is no time left to wait for whoever reads.
      }
    },
  };
};
