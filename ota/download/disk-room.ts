import { HubError } from "../../protocol/errors.ts";
import type { UpdateFiles } from "../files/update-files.ts";

/** Left over beyond what is written: file systems slow down, and the outbox must not be starved of its room. */
const RESERVE = 1.2;

const MB = 1_000_000;

/** Rejects with `update-no-space` where the disk of a folder has not room for so many bytes and 20 % more. */
export const checkDiskRoom = async (files: UpdateFiles, directory: string, bytes: number): Promise<void> => {
  const needed = Math.ceil(bytes * RESERVE);
  const free = await files.freeBytes(directory);
  if (free >= needed) return;
  throw new HubError(
    "update-no-space",
    `update download: it needs ${Math.ceil(needed / MB)} MB on the disk and ${Math.floor(free / MB)} MB are free; free space, the update then goes on`,
    { context: { needed, free } },
  );
};
