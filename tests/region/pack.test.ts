import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { unpackImage } from "../../ota/images/unpack-image.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { packImage } from "../../region/release/pack.ts";

let place = "";
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-pack-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

/** As a hub unpacks it. */
const unpacked = async (download: string, base: Buffer | null, content: Buffer): Promise<Buffer> => {
  const image = createHash("sha256").update(content).digest("hex") as ImageHash;
  const whole = { path: "releases/one", length: 0, hashes: [], location: "", custom: null };
  const part = { image, imageLength: content.length, whole, patch: null };
  const to = join(place, "unpacked");
  await unpackImage({ files: createDiskFiles(), part, download, base, to }, new AbortController().signal);
  return await readFile(to);
};

describe("an image as it is published", () => {
  it("is a small difference also where what is the same lies megabytes apart", async () => {
    const [first, second] = [randomBytes(1_200_000), randomBytes(1_200_000)];
    const [older, newer] = [Buffer.concat([first, second]), Buffer.concat([second, randomBytes(100), first])];
    const [base, image, packed] = [join(place, "older"), join(place, "newer"), join(place, "packed")];
    await writeFile(base, older);
    await writeFile(image, newer);
    await packImage(image, packed, base);
    const patch = await readFile(packed);
    expect(patch.length).toBeLessThan(10_000);
    expect((await unpacked(packed, older, newer)).equals(newer)).toBe(true);
  });

  it("is no difference to what is too large for a hub's memory", async () => {
    const [base, image] = [join(place, "older"), join(place, "newer")];
    await writeFile(base, Buffer.alloc(2 ** 24 + 1));
    await writeFile(image, "new");
    const packing = packImage(image, join(place, "packed"), base);
    await expect(packing).rejects.toThrow(/hubs take patches of images of 16777216 bytes at most; leave it out/);
  });

  it("is refused by a hub where it asks for more memory than images may", async () => {
    const content = Buffer.alloc(40_000_000);
    const params = { [constants.ZSTD_c_windowLog]: 25, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const packed = join(place, "packed");
    await writeFile(packed, zstdCompressSync(content, { params }));
    await expect(unpacked(packed, null, content)).rejects.toMatchObject({ code: "update-untrusted" });
  });
});
