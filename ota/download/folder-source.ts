import { constants, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { RepositorySource, SourceReply } from "./source.ts";

/** Read at once from a stick. */
const CHUNK_BYTES = 64 * 1024;

/** Not through a symbolic link, and without waiting for the other end of a pipe: a stick may hold anything. */
const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The segments of a path; null where one of them is not a plain name. */
const segmentsOf = (encoded: string): readonly string[] | null => {
  try {
    const segments = encoded.split("/").map(decodeURIComponent);
    const isPlain = segments.every((one) => one !== "" && one !== "." && one !== ".." && !/[/\\\0]/.test(one));
    return isPlain ? segments : null;
  } catch {
    return null;
  }
};

async function* contentOf(file: string, from: number, broken: (thrown: unknown) => HubError) {
  try {
    await using handle = await open(file, READING);
    for (let at = from; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  } catch (thrown) {
    throw broken(thrown);
  }
}

/**
 * A repository in a folder with `metadata/` and `targets/`, as `hemhub release publish` writes it: on a USB stick, or
 * copied over a serial line. It is trusted no more than a server.
 */
export const createFolderSource = (directory: string): RepositorySource => {
  const name = `the update folder ${directory}`;
  const unreadable = (asked: string, thrown: unknown): HubError =>
    new HubError(
      "update-unreachable",
      `update transfer: ${name}, ${asked}: cannot be read (${messageOf(thrown)}); plug the stick in again, or copy it anew`,
      { cause: thrown },
    );

  /** Null for anything but a plain file. */
  const stateOf = async (file: string, asked: string): Promise<Stats | null> => {
    try {
      await using handle = await open(file, READING);
      const stats = await handle.stat();
      return stats.isFile() ? stats : null;
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? thrown.code : null;
      // ELOOP: a symbolic link; ENOTDIR: a file where a folder should be; ENXIO: a socket.
      if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") return null;
      throw unreadable(asked, thrown);
    }
  };

  return {
    name,
    renewal: "Copy the region's newest update onto the stick and plug it in again",
    open: async (asked, signal): Promise<SourceReply> => {
      signal.throwIfAborted();
      const segments = segmentsOf(asked.path);
      if (segments === null) return { tag: "absent" };
      const file = path.join(directory, asked.part, ...segments);
      const state = await stateOf(file, asked.path);
      if (state === null) return { tag: "absent" };
      const validator = `${state.size}-${state.mtimeMs}`;
      const from = asked.validator === null || asked.validator === validator ? asked.from : 0;
      if (from > state.size) return { tag: "out-of-range" };
      const body = contentOf(file, from, (thrown) => unreadable(asked.path, thrown));
      return { tag: "content", from, length: state.size, validator, body };
    },
  };
};
