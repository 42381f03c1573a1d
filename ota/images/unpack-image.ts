import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { constants, createZstdDecompress } from "node:zlib";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { explainFullDisk } from "../files/no-space.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { ReleasePart } from "../update/update-state.ts";

/**
 * Largest window, 2^24 bytes (RFC 8878 section 3.1.1.1.2): as much of what was unpacked stays in memory, beside the image
 * that a patch is the difference to. With both and Node itself, unpacking stays below 100 MB
 * (tests/release/image.release.ts).
 */
const LARGEST_WINDOW_LOG = 24;

export interface Unpacking {
  readonly files: UpdateFiles;
  readonly part: ReleasePart;
  /** The verified download: a zstd frame (RFC 8878). */
  readonly download: string;
  /** What it is the difference to (`zstd --patch-from`), null where it is whole. */
  readonly base: Uint8Array | null;
  /** Where the image goes. What lay there is overwritten. */
  readonly to: string;
}

const unlikeSigned = ({ whole }: ReleasePart, found: string): HubError =>
  new HubError(
    "update-untrusted",
    `update: unpacked, ${whole.path} ${found}; nothing of it was kept. Ask the region to publish it again`,
  );

/**
 * Unpack a download, and check while it is written that it is the image that was signed: its exact length, so that no
 * small file becomes an endless one, and its hash. Durable when it resolves. Rejects with `update-untrusted` or
 * `update-no-space`, and then nothing is left.
 */
export const unpackImage = async (
  { files, part, download, base, to }: Unpacking,
  signal: AbortSignal,
): Promise<void> => {
  const unpacking = createZstdDecompress({
    params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
    ...(base === null ? {} : { dictionary: base }),
  });
  const packed = Readable.from(files.stream(download), { objectMode: false });
  packed.on("error", (error) => unpacking.destroy(error));
  const hash = createHash("sha256");
  let length = 0;
  try {
    await using image = await files.grow(to, 0);
    for await (const chunk of packed.pipe(unpacking) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      length += chunk.length;
      if (length > part.imageLength)
        throw unlikeSigned(part, `is more than the ${part.imageLength} bytes that are signed`);
      hash.update(chunk);
      await image.write(chunk);
    }
    if (length < part.imageLength) throw unlikeSigned(part, `is ${length} bytes, and ${part.imageLength} are signed`);
    if (hash.digest("hex") !== part.image) throw unlikeSigned(part, "has another hash than the one that is signed");
    await image.sync();
  } catch (thrown) {
    await files.remove(to);
    signal.throwIfAborted();
    const explained = explainFullDisk(thrown, "update: unpacking");
    if (isHubError(explained)) throw explained;
    throw unlikeSigned(part, `cannot be read (${messageOf(thrown)})`);
  } finally {
    packed.destroy();
    unpacking.destroy();
  }
};
