import { open, readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";

/** Share of the disk that only readings may use (design delivery.md, capacity). */
const RESERVE = 0.05;
/** Share of the room for readings from which it is an alarm, and below which the alarm is over. */
const HIGH = 0.8;
const ROOMY_AGAIN = 0.7;
/** A reading a minute takes 1.5 kB; even a fast sensor fills nothing in this time. */
const LOOK_EVERY = minutes(1);

/** What the file system says; bytes. */
export interface DiskUse {
  readonly size: number;
  readonly free: number;
  /** What the outbox takes of it. */
  readonly outbox: number;
}

/** `high`: alarm. `reserve`: what is left is for readings alone; everything else has to do without. */
export type CapacityLevel = "roomy" | "high" | "reserve";

/** How full the room for readings is, 0 to 1: the outbox against itself and what it may still take. */
export const fillOf = ({ size, free, outbox }: DiskUse): number => {
  const room = Math.max(0, free - size * RESERVE);
  return outbox + room === 0 ? 1 : outbox / (outbox + room);
};

/** The level after `before`; an alarm ends only when there is clearly room again. */
export const levelOf = (use: DiskUse, before: CapacityLevel): CapacityLevel => {
  if (use.free <= use.size * RESERVE) return "reserve";
  const fill = fillOf(use);
  if (fill >= HIGH || (before !== "roomy" && fill >= ROOMY_AGAIN)) return "high";
  return "roomy";
};

const diskUse = async (directory: string): Promise<DiskUse> => {
  const { bsize, blocks, bavail } = await statfs(directory);
  const names = await readdir(directory);
  // A file may go between the listing and the look: a journal that was just copied.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return { size: blocks * bsize, free: bavail * bsize, outbox: sizes.reduce((sum, size) => sum + size, 0) };
};

/**
 * Whether files can still be written, without writing: a file system that met an error refuses to open them (EROFS),
 * while its mount may go on calling itself writable (ext4's emergency_ro).
 */
const canBeWritten = async (probe: string): Promise<boolean> => {
  try {
    await (await open(probe, "r+")).close();
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "EROFS");
  }
};

export interface CapacityWatchOptions {
  /** Of the outbox. */
  readonly directory: string;
  /** A file on the same disk that is there, and is none of the outbox's: it is opened for writing, and closed. */
  readonly probe: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Called when the level changes: from `reserve` on, whatever is no reading has to go without the disk. */
  readonly onLevel: (level: CapacityLevel) => void;
  readonly look?: (directory: string) => Promise<DiskUse>;
  readonly isWritable?: (probe: string) => Promise<boolean>;
}

/**
 * Looks at the disk of the outbox once a minute, and says in time when readings will not fit for ever; and that it turned
 * read-only (a worn card does) before a reading finds it so.
 */
export interface CapacityWatch {
  run(stop: AbortSignal): Promise<void>;
}

const sentenceOf = (level: CapacityLevel, { free }: DiskUse): string => {
  const left = `${Math.floor(free / (1024 * 1024))} MB free`;
  if (level === "roomy") return `there is room for readings again: ${left}`;
  return level === "reserve"
    ? `the disk is nearly full (${left}): what is left is kept for readings; free space, or bring the link up`
    : `the room for readings is four fifths full (${left}); bring the link up, or free space`;
};

export const createCapacityWatch = (options: CapacityWatchOptions): CapacityWatch => {
  const { directory, probe, clock, logger, report, onLevel, look = diskUse, isWritable = canBeWritten } = options;
  let level: CapacityLevel = "roomy";
  let wasWritable = true;

  const lookAtMount = async (): Promise<void> => {
    const writable = await isWritable(probe);
    if (writable === wasWritable) return;
    wasWritable = writable;
    const [sentence, state] = writable
      ? ["the disk can be written again", "recovered"]
      : [
          "the disk of the readings has become read-only: new readings are held in memory, sensors with a memory " +
            "keep theirs; a card that does this is worn out, replace it",
          "read-only",
        ];
    report("storage-fault", sentence, { state, path: directory });
  };

  const lookOnce = async (): Promise<void> => {
    let use: DiskUse;
    try {
      use = await look(directory);
    } catch (thrown) {
      logger.debug("free space not known", { reason: messageOf(thrown) });
      return;
    }
    const found = levelOf(use, level);
    if (found === level) return;
    level = found;
    onLevel(level);
    const state = level === "roomy" ? "recovered" : level;
    report("buffer-high", sentenceOf(level, use), { state, percent: Math.round(fillOf(use) * 100) });
  };

  return {
    run: async (stop) => {
      while (!stop.aborted) {
        await lookOnce();
        await lookAtMount();
        // Only the stop interrupts the wait.
        await clock.sleep(LOOK_EVERY, stop).catch(() => undefined);
      }
    },
  };
};
