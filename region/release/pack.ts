import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";

/**
 * Of a whole image 2^23 bytes: so much of what it has unpacked a hub keeps in memory. A runtime becomes 1.4 % larger by
 * it than by 2^27, which is 37.5 MB instead of 36.9 (Node 24.21.0 for x64).
 */
const WINDOW_LOG = 23;
/** The most that hubs take (ota/images/unpack-image.ts): a difference refers to all of both images, so they must fit. */
const WINDOW_LOG_OF_PATCH = 24;
const MOST_PATCHED = 2 ** WINDOW_LOG_OF_PATCH;
/** The highest without extra memory at the hub (zstd manual, "ultra" begins at 20). */
const LEVEL = 19;
/** Of a runtime, 125 MB: a tenth larger than by the highest level, in seconds instead of minutes. */
const LEVEL_OF_LARGE = 9;
const LARGE = 32_000_000;

/**
 * Compress an image (zstd, RFC 8878). With `base`, what comes out is the difference to it, as `zstd --patch-from` makes it:
 * unpacking takes the same base. Throws where an image is too large for that.
 */
export const packImage = async (image: string, to: string, base: string | null): Promise<void> => {
  const { size } = await stat(image);
  if (base !== null && Math.max(size, (await stat(base)).size) > MOST_PATCHED) {
    throw new Error(
      `release build: a patch from ${base}: hubs take patches of images of ${MOST_PATCHED} bytes at most; leave it out`,
    );
  }
  const packing = createZstdCompress({
    pledgedSrcSize: size,
    params: {
      [constants.ZSTD_c_compressionLevel]: size > LARGE ? LEVEL_OF_LARGE : LEVEL,
      [constants.ZSTD_c_windowLog]: base === null ? WINDOW_LOG : WINDOW_LOG_OF_PATCH,
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    },
    ...(base === null ? {} : { dictionary: await readFile(base) }),
  });
  await pipeline(createReadStream(image), packing, createWriteStream(`${to}.part`));
  await rename(`${to}.part`, to);
};
