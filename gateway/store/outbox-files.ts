import { chmod, copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { HubError } from "../../protocol/errors.ts";
import { type EpochMs, isoUtc } from "../../protocol/time.ts";
import { syncDirectory, writeDurably } from "./durable-file.ts";
import { fileFailure } from "./number-floor.ts";
import type { OpenDatabase } from "./sqlite.ts";

/**
 * The files of one outbox. Nothing else in this process may open `database` or `lock` through node:fs while the outbox
 * is open: closing any descriptor of a file gives up the process's locks on it (fcntl(2), advisory record locking).
 */
export interface OutboxFiles {
  readonly directory: string;
  readonly database: string;
  readonly journal: string;
  readonly lock: string;
  readonly floor: string;
  /** Of what is stored, where no credential brings it. */
  readonly key: string;
  /** What a credential's key is mixed with, so that the hub itself can destroy the key. */
  readonly salt: string;
  /** Being filled from a damaged database; worthless until it has the next name. */
  readonly draft: string;
  /** Complete, and about to take the place of the damaged database. */
  readonly salvaged: string;
  /** A journal being mended. */
  readonly mended: string;
  /** Copy of a damaged database with a new first page. */
  readonly patched: string;
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** Damaged files kept for support. Their readings were salvaged; a card that fails at every start must not fill up. */
export const MAX_DAMAGED_KEPT = 8;

/** What SQLite adds to the name of a database for its write-ahead log. */
const WAL = "-wal";
const DAMAGED = ".damaged-";

export const outboxFiles = (directory: string): OutboxFiles => {
  const database = join(directory, "outbox.db");
  return {
    directory,
    database,
    journal: `${database}${WAL}`,
    lock: join(directory, "outbox.lock"),
    floor: join(directory, "outbox.floor"),
    key: join(directory, "outbox.key"),
    salt: join(directory, "outbox.salt"),
    draft: `${database}.new`,
    salvaged: `${database}.salvaged`,
    mended: `${database}${WAL}.mended`,
    patched: `${database}.patched`,
  };
};

/** Size in bytes; null where there is no such file. */
export const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw fileFailure("outbox: look at its files", thrown);
  }
};

export const createDirectory = async (directory: string): Promise<void> => {
  try {
    const first = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    if (first === undefined) return;
    for (let made = resolve(directory); made.length >= resolve(first).length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
  } catch (thrown) {
    throw fileFailure(`outbox: create ${directory}`, thrown);
  }
};

/** Only its owner may read it; SQLite gives the journal the same mode. */
export const createEmpty = async (path: string): Promise<void> => {
  try {
    await (await open(path, "wx", FILE_MODE)).close();
    await syncDirectory(dirname(path));
  } catch (thrown) {
    throw fileFailure("outbox: create its database", thrown);
  }
};

/**
 * Keep every other process out of the directory until disposed: SQLite's own lock on a file that stays empty, which
 * the kernel drops when the process ends, however it ends. Throws HubError `invalid-config` where another hub has it.
 */
export const lockDirectory = async (files: OutboxFiles, openDatabase: OpenDatabase): Promise<AsyncDisposable> => {
  const lock = await openDatabase(files.lock);
  try {
    await lock.query("PRAGMA locking_mode = EXCLUSIVE");
    // Nothing is ever written to it, and no file beside it is wanted.
    await lock.query("PRAGMA journal_mode = MEMORY");
    await lock.query("BEGIN EXCLUSIVE");
    // By path, so that no descriptor of the lock file is closed.
    await chmod(files.lock, FILE_MODE);
    return lock;
  } catch (thrown) {
    await lock[Symbol.asyncDispose]();
    if (!(thrown instanceof HubError)) throw fileFailure("outbox: lock its directory", thrown);
    if (thrown.code !== "invalid-config") throw thrown;
    throw new HubError(
      "invalid-config",
      `outbox in ${files.directory}: another hub is using it; stop that one, or give this one a directory of its own`,
      { cause: thrown },
    );
  }
};

const exists = async (path: string): Promise<boolean> => (await sizeOf(path)) !== null;

const removeWithJournal = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await rm(`${path}${WAL}`, { force: true });
};

/** What an interrupted salvage left half done. The database itself is still in its place, so it starts anew. */
export const removeDrafts = async (files: OutboxFiles): Promise<void> => {
  await removeWithJournal(files.draft);
  await removeWithJournal(files.patched);
  await rm(files.mended, { force: true });
};

/** A name in the directory that nothing has: a hub without a clock may use the same date twice. */
const freeName = async (files: OutboxFiles, at: EpochMs): Promise<string> => {
  const dated = `${files.database}${DAMAGED}${isoUtc(at).replaceAll(/[-:]|\.\d+/g, "")}`;
  for (let n = 0; ; n += 1) {
    const name = n === 0 ? dated : `${dated}-${n}`;
    if (!(await exists(name)) && !(await exists(`${name}${WAL}`))) return name;
  }
};

/** Move the database and its journal to a dated name, where they stay for support. Null where there was nothing. */
export const moveAside = async (files: OutboxFiles, at: EpochMs): Promise<string | null> => {
  const kept = await freeName(files, at);
  const parts = [WAL, ""];
  const present = [];
  for (const part of parts) if (((await sizeOf(`${files.database}${part}`)) ?? 0) > 0) present.push(part);
  if (present.length === 0) return null;
  // The journal first: beside a new database of the old name it would be taken for that one's.
  for (const part of present) await rename(`${files.database}${part}`, `${kept}${part}`);
  await syncDirectory(files.directory);
  return basename(kept);
};

/**
 * Put `mended` in the place of a damaged journal, and keep the damaged one under a dated name, which is returned. A cut
 * leaves the old journal or the new one.
 */
export const replaceJournal = async (files: OutboxFiles, mended: Uint8Array, at: EpochMs): Promise<string> => {
  const kept = await freeName(files, at);
  try {
    await copyFile(files.journal, kept);
    await writeDurably(files.mended, mended);
    await rename(files.mended, files.journal);
    await syncDirectory(files.directory);
    return basename(kept);
  } catch (thrown) {
    throw fileFailure("outbox: mend its journal", thrown);
  }
};

/**
 * Put the durable file `draft` in the place of `path`, whose content stays under a dated name where the file system has
 * names enough (FAT has one for each file). A cut leaves the old file or the new one.
 */
export const replaceKeeping = async (files: OutboxFiles, draft: string, path: string, at: EpochMs): Promise<void> => {
  await link(path, await freeName(files, at)).catch(() => undefined);
  await rename(draft, path);
  await syncDirectory(files.directory);
};

/**
 * Put a complete salvaged file in the place of the damaged one. Safe to repeat from any point where it was cut.
 * Returns the name that the damaged file has now; null where there was nothing to finish.
 */
export const finishSalvage = async (files: OutboxFiles, at: EpochMs): Promise<string | null> => {
  if (!(await exists(files.salvaged))) return null;
  try {
    const kept = await moveAside(files, at);
    await rename(files.salvaged, files.database);
    await syncDirectory(files.directory);
    return kept;
  } catch (thrown) {
    throw thrown instanceof HubError ? thrown : fileFailure("outbox: move the damaged file aside", thrown);
  }
};

/** Drop the oldest damaged files beyond the bound; returns how many. */
export const pruneDamaged = async (files: OutboxFiles): Promise<number> => {
  const prefix = `${basename(files.database)}${DAMAGED}`;
  const names = (await readdir(files.directory)).filter((name) => name.startsWith(prefix) && !name.endsWith(WAL));
  const surplus = names.toSorted().slice(0, -MAX_DAMAGED_KEPT);
  for (const name of surplus) await removeWithJournal(join(files.directory, name));
  return surplus.length;
};
