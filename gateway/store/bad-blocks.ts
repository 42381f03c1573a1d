import { type FileHandle, open, rm } from "node:fs/promises";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { EpochMs } from "../../protocol/time.ts";
import { fileFailure } from "./number-floor.ts";
import { type OutboxFiles, pruneDamaged, replaceKeeping, sizeOf } from "./outbox-files.ts";

/** A card reports failures by the sector. */
const SECTOR = 512;
/** Read at a time where all is well. */
const CHUNK = 64 * 1024;
/** More than this share unreadable is a card that is gone or does not answer, not one with bad blocks. */
const MOST_UNREADABLE = 0.5;

const isReadError = (thrown: unknown): boolean => thrown instanceof Error && "code" in thrown && thrown.code === "EIO";

/** Whether blocks that cannot be read may be why a database did not open. */
export const mayBeBadBlocks = (thrown: unknown): boolean =>
  isHubError(thrown, "outbox-poisoned") || isReadError(thrown);

/** Up to `length` bytes at `at`, with zeros for sectors that cannot be read. Returns how many bytes those are. */
const readWhatCanBe = async (file: FileHandle, bytes: Buffer, at: number): Promise<number> => {
  try {
    await file.read(bytes, 0, bytes.length, at);
    return 0;
  } catch (thrown) {
    if (!isReadError(thrown)) throw thrown;
    bytes.fill(0);
    if (bytes.length <= SECTOR) return bytes.length;
  }
  let unreadable = 0;
  for (let offset = 0; offset < bytes.length; offset += SECTOR) {
    unreadable += await readWhatCanBe(file, bytes.subarray(offset, offset + SECTOR), at + offset);
  }
  return unreadable;
};

/** A durable copy at `to`. Returns how many bytes of `from` could not be read, and are zeros in the copy. */
const copyReadable = async (from: string, to: string, size: number): Promise<number> => {
  await using source = await open(from, "r");
  await using target = await open(to, "w", 0o600);
  let unreadable = 0;
  for (let at = 0; at < size; at += CHUNK) {
    const bytes = Buffer.alloc(Math.min(CHUNK, size - at));
    unreadable += await readWhatCanBe(source, bytes, at);
    await target.write(bytes, 0, bytes.length, at);
  }
  await target.sync();
  return unreadable;
};

/**
 * Where parts of database or journal cannot be read any more (a card with bad blocks, EIO), put a copy in the place of
 * the file that has zeros there: SQLite stops at a read error, while damage is found, salvaged and reported. The old
 * file keeps a name of its own, so that the file system does not give its bad blocks to another. A cut leaves the old
 * file or the copy. Returns how many bytes were unreadable; 0: everything can be read, and nothing was changed.
 *
 * Not while the database is open. Throws HubError `outbox-poisoned` where most of a file is unreadable: then the card
 * is gone, and to go on without its readings would be wrong.
 */
export const replaceBadBlocks = async (files: OutboxFiles, at: EpochMs): Promise<number> => {
  let total = 0;
  const copies = [
    [files.journal, files.mended],
    [files.database, files.patched],
  ] as const;
  try {
    for (const [path, copy] of copies) {
      const size = (await sizeOf(path)) ?? 0;
      if (size === 0) continue;
      const unreadable = await copyReadable(path, copy, size);
      if (unreadable > size * MOST_UNREADABLE) {
        const found = `${unreadable} of its ${size} bytes cannot be read`;
        throw new HubError("outbox-poisoned", `outbox open: ${path}: ${found}; nothing was changed. Check the card`);
      }
      if (unreadable > 0) await replaceKeeping(files, copy, path, at);
      total += unreadable;
    }
    if (total > 0) await pruneDamaged(files);
    return total;
  } catch (thrown) {
    throw thrown instanceof HubError ? thrown : fileFailure("outbox: copy what can be read of it", thrown);
  } finally {
    for (const [, copy] of copies) await rm(copy, { force: true }).catch(() => undefined);
  }
};
