import { randomBytes } from "node:crypto";
import { open, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncDirectory } from "./durable-file.ts";
import { fileFailure } from "./number-floor.ts";
import { lockDirectory, outboxFiles, sizeOf } from "./outbox-files.ts";
import { type OpenDatabase, openDatabase as openSqlite } from "./sqlite.ts";

/** What an erase did, for its proof. */
export interface Erased {
  /** Besides the key. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Overwritten before its name goes. On flash this may write elsewhere than over the old octets: then they lie in blocks
 * that only a laboratory reads, and a key that the TPM holds a half of still opens nothing (docs/region.md, Erasing).
 */
const destroyKey = async (path: string): Promise<void> => {
  const size = await sizeOf(path);
  if (size === null) return;
  const handle = await open(path, "r+");
  try {
    await handle.write(randomBytes(size), 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rm(path);
};

/** False where rows are sealed with a credential alone, as a release before the salt did: the hub cannot destroy that. */
export const hasErasableKey = async (directory: string): Promise<boolean> => {
  const { key, salt } = outboxFiles(directory);
  return (await sizeOf(key)) !== null || (await sizeOf(salt)) !== null;
};

/**
 * Destroy an outbox that is closed: first what its rows are sealed with, durably, then every file. A power cut before
 * the key is gone leaves everything readable, after it nothing; calling it again goes on. Throws HubError
 * `invalid-config` where a hub has the folder open, and the outbox's codes where the disk refuses.
 */
export const eraseOutbox = async (directory: string, openDatabase: OpenDatabase = openSqlite): Promise<Erased> => {
  const files = outboxFiles(directory);
  await using _lock = await lockDirectory(files, openDatabase);
  try {
    for (const path of [files.key, files.salt]) await destroyKey(path);
    await syncDirectory(directory);
    let count = 0;
    let bytes = 0;
    for (const name of (await readdir(directory)).toSorted()) {
      if (name === basename(files.lock)) continue;
      const path = join(directory, name);
      bytes += (await stat(path)).size;
      count += 1;
      await rm(path, { recursive: true });
    }
    await syncDirectory(directory);
    return { files: count, bytes };
  } catch (thrown) {
    throw fileFailure(`erase ${directory}`, thrown);
  }
};
