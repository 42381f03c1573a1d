import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";

/** 2^27 bytes: what hubs unpack with, and more than a release image is long. */
const WINDOW_LOG = 27;
/** The highest without extra memory at the hub (zstd manual, "ultra" begins at 20). */
const LEVEL = 19;
/** Of a runtime, 125 MB: a tenth larger than by the highest level, in seconds instead of minutes. */
const LEVEL_OF_LARGE = 9;
const LARGE = 32_000_000;

/**
 * Compress an image (zstd, RFC 8878). With `base`, what comes out is the difference to it, as `zstd --patch-from` makes it:
 * unpacking takes the same base.
 */
export const packImage = async (image: string, to: string, base: string | null): Promise<void> => {
  const packing = createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: (await stat(image)).size > LARGE ? LEVEL_OF_LARGE : LEVEL,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    },
    ...(base === null ? {} : { dictionary: await readFile(base) }),
  });
  await pipeline(createReadStream(image), packing, createWriteStream(`${to}.part`));
  await rename(`${to}.part`, to);
};
