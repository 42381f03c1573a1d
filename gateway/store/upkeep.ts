import type { Logger } from "../../protocol/ports/logger.ts";
import { JOURNAL_LIMIT } from "./database-file.ts";
import { PAGE_SIZE } from "./page-size.ts";
import { type Database, integerOf } from "./sqlite.ts";
import type { SqlStatement } from "./transaction.ts";
import { leavesConnectionSound } from "./trouble.ts";

/** One commit, as its statements were. */
export interface Written {
  readonly statements: readonly SqlStatement[];
  readonly rowsDeleted: number;
  /** Many readings still wait. */
  readonly isDraining: boolean;
}

/** Keeps journal and file bounded, between commits, so that no append waits for more than one step of it. */
export interface Upkeep {
  /** True where another step is due: call again when the appends that wait meanwhile are through. */
  after(database: Database, written: Written): Promise<boolean>;
}

/** One page in the journal: its 24-byte frame header and itself (sqlite.org/fileformat2.html 4.1). */
const FRAME = 24 + PAGE_SIZE;
/** Pages that any commit touches: two leaves, the pointer map, the free list, the header. */
const FRAMES_PER_COMMIT = 5;
/** A value fills its share of a leaf and of overflow pages; with the row's own bytes this is close to what is seen. */
const BYTES_PER_VALUE = 64;

/** Kept free in the file: 4 MiB, so that appends and deletes go on for a while when the disk is full. */
export const SPARE_PAGES = 4096;
/** Pages given back at a time: 1 MiB. */
const VACUUM_STEP = 1024;
/** Deleted rows between two looks at the free pages. */
const LOOK_EVERY = 1024;

/** Not exact: the journal's true length is asked for when it is copied, and only then. */
const journalBytes = ({ statements, rowsDeleted }: Written): number => {
  if (statements.length === 0) return 0;
  let bytes = 0;
  for (const { parameters } of statements) {
    for (const value of parameters) {
      bytes += BYTES_PER_VALUE + (typeof value === "string" || value instanceof Uint8Array ? value.length : 0);
    }
  }
  return bytes + rowsDeleted * BYTES_PER_VALUE + FRAMES_PER_COMMIT * FRAME;
};

export const createUpkeep = (logger: Logger): Upkeep => {
  let journal = 0;
  let deleted = 0;

  const checkpoint = async (database: Database): Promise<void> => {
    const [row] = await database.query("PRAGMA wal_checkpoint(PASSIVE)");
    journal = 0;
    if (row === undefined) return;
    const [frames, copied] = [integerOf(row, "log"), integerOf(row, "checkpointed")];
    if (copied < frames) logger.warn("outbox journal was not copied completely", { count: frames - copied });
  };

  /** Give pages back to the file system after a large drain; true where more is due. */
  const vacuum = async (database: Database): Promise<boolean> => {
    const [row] = await database.query("PRAGMA freelist_count");
    const free = row === undefined ? 0 : integerOf(row, "freelist_count");
    if (free <= SPARE_PAGES) {
      deleted = 0;
      return false;
    }
    await database.query(`PRAGMA incremental_vacuum(${VACUUM_STEP})`);
    journal += VACUUM_STEP * FRAME;
    return true;
  };

  return {
    after: async (database, written) => {
      journal += journalBytes(written);
      deleted += written.rowsDeleted;
      try {
        if (journal >= JOURNAL_LIMIT) await checkpoint(database);
        // Giving pages back moves others: not while readings are to go out, and in competition with those that come in.
        return !written.isDraining && deleted >= LOOK_EVERY && (await vacuum(database));
      } catch (thrown) {
        if (!leavesConnectionSound(thrown)) throw thrown;
        // The journal keeps everything until there is room; the next look is after as much again.
        journal = 0;
        deleted = 0;
        logger.warn("outbox journal cannot be copied: disk full");
        return false;
      }
    },
  };
};
