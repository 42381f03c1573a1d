import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createReleaseImages, type ImageForm, mountedForm } from "../../ota/images/release-images.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import type { ReleasePart } from "../../ota/update/update-state.ts";
import { packImage } from "../../region/release/pack.ts";
import { makeSquashfs } from "../../region/release/squashfs.ts";
import { requirement, titled } from "../support/requirements.ts";
import { writeRelease } from "./launcher.ts";

const files = createDiskFiles();
const { signal } = new AbortController();
let place = "";

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-images-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const backendWith = (form: (images: string) => ImageForm): UpdateBackend => {
  const launched = { slot: "base", release: "base", tries: 0, reason: "" };
  return createReleaseImages({ files, folder: join(place, "releases"), launched, form });
};
const mounted = (): UpdateBackend => backendWith(mountedForm(files));

interface Made {
  readonly file: string;
  readonly part: ReleasePart;
}

/** An image of any octets, as the region signs it. */
const imageOf = async (name: string, content: Buffer): Promise<Made> => {
  const file = join(place, name);
  await writeFile(file, content);
  const image = createHash("sha256").update(content).digest("hex") as ImageHash;
  const whole = { path: `releases/${name}`, length: 0, hashes: [], location: "", custom: null };
  return { file, part: { image, imageLength: content.length, whole, patch: null } };
};

/** `image` packed, as a hub has downloaded it. */
const downloaded = async ({ file }: Made, base: Made | null = null): Promise<string> => {
  const to = join(place, "download");
  await packImage(file, to, base?.file ?? null);
  return to;
};

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(join(place, "releases", folder)).catch(() => []);

describe("an image that was downloaded", () => {
  it("is unpacked, checked, and known to be whole", async () => {
    const made = await imageOf("one", randomBytes(300_000));
    const backend = mounted();
    expect(await backend.has(made.part.image)).toBe(false);
    await backend.stage(made.part, await downloaded(made), null, signal);
    expect(await backend.has(made.part.image)).toBe(true);
    expect(await namesIn("images")).toEqual([`${made.part.image}.sqfs`]);
  });

  it("comes out of a difference to an image that lies here", async () => {
    const content = randomBytes(300_000);
    const older = await imageOf("older", content);
    const newer = await imageOf(
      "newer",
      Buffer.concat([content.subarray(0, 100_000), randomBytes(500), content.subarray(100_100)]),
    );
    const backend = mounted();
    await backend.stage(older.part, await downloaded(older), null, signal);
    const patch = await downloaded(newer, older);
    expect((await readFile(patch)).length).toBeLessThan(3_000);
    await backend.stage(newer.part, patch, older.part.image, signal);
    expect(await backend.has(newer.part.image)).toBe(true);
  });

  it("is refused, and leaves nothing, where the difference is to another image", async () => {
    const [older, other] = [await imageOf("older", randomBytes(50_000)), await imageOf("other", randomBytes(50_000))];
    const newer = await imageOf("newer", Buffer.concat([await readFile(older.file), randomBytes(100)]));
    const backend = mounted();
    await backend.stage(other.part, await downloaded(other), null, signal);
    const patch = await downloaded(newer, older);
    const staging = backend.stage(newer.part, patch, other.part.image, signal);
    await expect(staging).rejects.toMatchObject({ code: "update-untrusted" });
    expect(await namesIn("images")).toEqual([`${other.part.image}.sqfs`]);
  });

  it("is stopped where it unpacks to more than was signed", async () => {
    const made = await imageOf("bomb", Buffer.alloc(20_000_000));
    const small = { ...made.part, imageLength: 1_000 };
    const staging = mounted().stage(small, await downloaded(made), null, signal);
    await expect(staging).rejects.toThrow(/is more than the 1000 bytes that are signed; nothing of it was kept/);
    expect(await namesIn("images")).toEqual([]);
  });

  it.each([
    ["another content", (part: ReleasePart) => ({ ...part, image: "0".repeat(64) as ImageHash }), /another hash/],
    ["fewer bytes", (part: ReleasePart) => ({ ...part, imageLength: part.imageLength + 1 }), /are signed/],
  ])("is refused with %s than was signed", async (_, change, sentence) => {
    const made = await imageOf("one", randomBytes(10_000));
    const staging = mounted().stage(change(made.part), await downloaded(made), null, signal);
    await expect(staging).rejects.toThrow(sentence);
    expect(await namesIn("images")).toEqual([]);
  });

  it("is refused where it is cut short, or is no zstd at all", async () => {
    const made = await imageOf("one", randomBytes(100_000));
    const file = await downloaded(made);
    await truncate(file, 60_000);
    await expect(mounted().stage(made.part, file, null, signal)).rejects.toMatchObject({ code: "update-untrusted" });
    await writeFile(file, randomBytes(1_000));
    await expect(mounted().stage(made.part, file, null, signal)).rejects.toMatchObject({ code: "update-untrusted" });
    expect(await namesIn("images")).toEqual([]);
  });

  it("is not whole any more after a bit has flipped", async () => {
    const made = await imageOf("one", randomBytes(10_000));
    const backend = mounted();
    await backend.stage(made.part, await downloaded(made), null, signal);
    const at = join(place, "releases", "images", `${made.part.image}.sqfs`);
    const content = await readFile(at);
    content[5_000] = (content[5_000] ?? 0) ^ 1;
    await writeFile(at, content);
    expect(await backend.has(made.part.image)).toBe(false);
    await backend.stage(made.part, await downloaded(made), null, signal);
    expect(await backend.has(made.part.image)).toBe(true);
  });

  it("stays as long as something runs it, falls back to it or needs it, and goes then", async () => {
    const backend = mounted();
    const made = await Promise.all(["a", "b", "c", "r"].map((name) => imageOf(name, randomBytes(1_000))));
    for (const one of made) await backend.stage(one.part, await downloaded(one), null, signal);
    const [a, b, c, r] = made.map(({ part }) => part.image) as [ImageHash, ImageHash, ImageHash, ImageHash];
    await backend.activate(a, [r]);
    await backend.markGood(a);
    await backend.activate(b, []);
    await backend.markGood(b);
    await backend.prune([c]);
    expect(await Promise.all([a, b, c, r].map((image) => backend.has(image)))).toEqual([true, true, true, true]);
    await backend.activate(c, []);
    await backend.markGood(c);
    await backend.prune([]);
    expect(await Promise.all([a, b, c, r].map((image) => backend.has(image)))).toEqual([false, true, true, false]);
  });
});

const tools = requirement("mksquashfs");

describe.skipIf(!tools.available)(titled("an image of a release", tools), () => {
  it("is the same, octet by octet, whenever and by whomever it is made", async () => {
    const [first, second] = [join(place, "first"), join(place, "second")];
    await writeRelease(first, "release");
    await mkdir(second);
    // The same files, made in another order.
    await mkdir(join(second, "lib"));
    await writeFile(join(second, "lib", "a file"), await readFile(join(first, "lib", "a file")));
    await writeFile(join(second, "hemhub"), await readFile(join(first, "hemhub")), { mode: 0o755 });
    const hashes = [await makeSquashfs(first, join(place, "1")), await makeSquashfs(second, join(place, "2"))];
    expect(hashes[0]?.hash).toBe(hashes[1]?.hash);
  });

  it("is unpacked where nothing can be mounted, and every file of it is checked", async () => {
    const folder = join(place, "files");
    await writeRelease(folder, "release");
    const { hash, length, file } = await makeSquashfs(folder, join(place, "image"));
    const made = await imageOf("copy", await readFile(file));
    expect(made.part).toMatchObject({ image: hash, imageLength: length });
    const backend = backendWith(unpackedForm(files));
    await backend.stage(made.part, await downloaded(made), null, signal);
    expect((await namesIn("images")).toSorted()).toEqual([`${hash}.dir`, `${hash}.list`]);
    expect(await backend.has(made.part.image)).toBe(true);
    await writeFile(join(place, "releases", "images", `${hash}.dir`, "lib", "a file"), "something else");
    expect(await backend.has(made.part.image)).toBe(false);
  });
});
