import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { UpdateFiles } from "./update-files.ts";

const FILE_MODE = 0o600;

/** Null in place of ENOENT: absence is an answer; every other error stays one. */
const orNull = async <T>(found: Promise<T>): Promise<T | null> => {
  try {
    return await found;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw thrown;
  }
};

/** A name is durable only after its directory was synchronised (fsync(2), notes). */
const syncDirectory = async (directory: string): Promise<void> => {
  await using handle = await open(directory, "r");
  await handle.sync();
};

const renameDurably = async (from: string, to: string): Promise<void> => {
  await rename(from, to);
  await syncDirectory(dirname(to));
};

const makeDirectory = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
};

/** The machine's disk. The one place in ota/ that makes something durable. */
export const createDiskFiles = (): UpdateFiles => ({
  read: (path) => orNull(readFile(path)),
  sizeOf: async (path) => (await orNull(stat(path)))?.size ?? null,
  stream: (path) => createReadStream(path),
  list: async (directory) => ((await orNull(readdir(directory))) ?? []).toSorted(),
  scratch: (path, content) => writeFile(path, content, { mode: FILE_MODE }),
  replace: async (path, content) => {
    const draft = `${path}.new`;
    {
      await using handle = await open(draft, "w", FILE_MODE);
      await handle.writeFile(content);
      await handle.sync();
    }
    await renameDurably(draft, path);
  },
  rename: renameDurably,
  grow: async (path, keep) => {
    const handle = await open(path, keep === 0 ? "w" : "r+", FILE_MODE);
    let end = keep;
    try {
      await handle.truncate(keep);
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
    return {
      write: async (bytes) => {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end);
          done += bytesWritten;
          end += bytesWritten;
        }
      },
      sync: () => handle.sync(),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  },
  makeDirectory,
  remove: (path) => rm(path, { recursive: true, force: true }),
  freeBytes: async (directory) => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  },
});
