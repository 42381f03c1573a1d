import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { checkJournal } from "./journal-check.ts";
import type { NumberFloor } from "./number-floor.ts";
import { finishSalvage, moveAside, type OutboxFiles, pruneDamaged, replaceJournal, sizeOf } from "./outbox-files.ts";
import { type Salvaged, salvage } from "./salvage.ts";
import { setMeta } from "./schema.ts";
import type { Seal } from "./seal.ts";
import type { Database, OpenDatabase } from "./sqlite.ts";
import { transact } from "./transaction.ts";

/** What opening had to do to go on after damage. Nothing of it is silent: it is logged as an error, and kept here. */
export interface OutboxRecovery extends Salvaged {
  /** For the log, the console and the region: what happened, what was saved, the next step. */
  readonly sentence: string;
  /** Name of the damaged file beside the database; null where there was no file any more. */
  readonly movedTo: string | null;
  /** Numbers up to here are not given again, whether they were used or not: the region sees them as a gap. */
  readonly skippedTo: number;
}

export interface RecoveryContext {
  readonly files: OutboxFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openDatabase: OpenDatabase;
  readonly floor: NumberFloor | null;
  readonly seal: Seal;
}

const account = (found: Salvaged): string => {
  if (found.lostAtMost === null) return "nothing in it could be read";
  const lost = found.lostAtMost === 0 ? "none was lost" : `at most ${found.lostAtMost} were lost`;
  return `${found.readings} readings were saved, ${found.unreadable} cannot be read, ${lost}`;
};

/** The damaged database moves aside, and a new one with what could be saved takes its place. */
export const replaceDamaged = async (context: RecoveryContext, damage: unknown): Promise<OutboxRecovery> => {
  const { files, clock, logger, floor } = context;
  const found = await salvage(files, context, floor);
  const movedTo = await finishSalvage(files, clock.now());
  const dropped = await pruneDamaged(files);
  if (dropped > 0) logger.warn("old damaged outbox files removed", { count: dropped });
  return {
    ...found,
    movedTo,
    skippedTo: found.newest,
    sentence:
      `outbox: the database was damaged (${messageOf(damage)}); ${account(found)}. The damaged file is kept as ` +
      `${movedTo ?? "(none)"}: send it to support, and replace the card if this happens again`,
  };
};

/** A journal is a few MB; one that outgrew this (a full disk kept it from being copied) would not fit in memory. */
const MOST_CHECKED = 64 * 1024 * 1024;

/** A journal whose damage SQLite would take for its end. Null where it is whole, or where there is none. */
export const mendJournal = async (context: RecoveryContext): Promise<string | null> => {
  const { files, clock } = context;
  const size = (await sizeOf(files.journal)) ?? 0;
  if (size === 0 || size > MOST_CHECKED) return null;
  const check = checkJournal(await readFile(files.journal));
  if (check.tag === "whole") return null;
  const kept = await replaceJournal(files, check.mended, clock.now());
  return `${check.frames} pages of the journal were damaged, which is kept as ${kept}; readings in them may be lost`;
};

const gone = (what: string, floor: NumberFloor, movedTo: string | null): OutboxRecovery => ({
  readings: 0,
  unreadable: 0,
  lostAtMost: null,
  newest: floor.seq,
  movedTo,
  skippedTo: floor.seq,
  sentence:
    `outbox: ${what}; going on above number ${floor.seq}.` +
    `${movedTo === null ? "" : ` What was left is kept as ${movedTo}.`} Ask whether someone removed or restored ` +
    "files of the hub, and check the card",
});

/** There is no database, and numbers were given from one: start anew above them. */
export const replaceMissing = async (context: RecoveryContext, floor: NumberFloor): Promise<OutboxRecovery> => {
  const { files, clock } = context;
  // A journal without its database would be deleted by SQLite.
  const movedTo = await moveAside(files, clock.now());
  await salvage(files, context, floor);
  await finishSalvage(files, clock.now());
  return gone("the database is gone, so readings may be lost", floor, movedTo);
};

/**
 * Numbers were given that the database does not know: an old copy was put back, or acknowledged commits are gone. It
 * goes on above them.
 */
export const skipMissing = async (
  database: Database,
  floor: NumberFloor,
  what = "the newest part of the database is gone, so readings may be lost",
): Promise<OutboxRecovery> => {
  await transact(database, [setMeta("newest", floor.seq), setMeta("counter", floor.counter)]);
  return gone(what, floor, null);
};
