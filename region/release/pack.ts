import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";

/** 2^27 bytes: what hubs unpack with, and more than a release image is long. */
const WINDOW_LOG = 27;
/** The highest without extra memory at the hub (zstd manual, "ultra" begins at 20). */
const LEVEL = 19;

/**
 * Compress an image (zstd, RFC 8878). With `base`, what comes out is the difference to it, as `zstd --patch-from` makes it:
 * unpacking takes the same base.
 */
export const packImage = async (image: string, to: string, base: string | null): Promise<void> => {
  const packing = createZstdCompress({
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    },
    ...(base === null ? {} : { dictionary: await readFile(base) }),
  });
  await pipeline(createReadStream(image), packing, createWriteStream(`${to}.part`));
  await rename(`${to}.part`, to);
};
