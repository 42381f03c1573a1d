import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { appendFile, chmod, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createSlots, type ImageHash, type Slots } from "../../ota/slots/slots.ts";
import { titled } from "../support/requirements.ts";
import { addImage, addUnpacked, launch, type Started, writeRelease } from "./launcher.ts";
import { mountable } from "./mountable.ts";

let place = "";
let home = "";
let images = "";
let base = "";
let slots: Slots;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub launch "));
  [home, base] = [join(place, "releases"), join(place, "base")];
  images = join(home, "images");
  await mkdir(images, { recursive: true });
  await writeRelease(base, "base");
  slots = createSlots(createDiskFiles(), home);
});
afterEach(() => rm(place, { recursive: true, force: true }));

const start = async (): Promise<Started> => {
  const launched = await launch(home, { base, run: join(place, "run") });
  if (launched.tag === "failed") throw new Error(`launcher ended with ${launched.code}: ${launched.said}`);
  return launched.started;
};

const inForce = async (name: string): Promise<ImageHash> => {
  const release = await addUnpacked(images, name);
  await slots.activate(release);
  await slots.commit(release);
  return release;
};

/** After a change of an unpacked image that is to count as its own. */
const listAgain = (image: ImageHash): void => {
  const script = 'cd "$1/$2.dir" && find . -type f -exec sha256sum {} + > "../$2.list"';
  execFileSync("sh", ["-c", script, "sh", images, image]);
};

describe("the launcher", () => {
  it("runs what the hub was installed with, as long as there is nothing else", async () => {
    expect(await start()).toEqual({ name: "base", slot: "base", release: "base", try: 0, reason: "" });
  });

  it("tries a release three times and then returns to what was in force", async () => {
    const proven = await inForce("proven");
    const trial = await addUnpacked(images, "trial");
    await slots.activate(trial);
    const starts = [await start(), await start(), await start(), await start(), await start()];
    expect(starts.map(({ name, slot, try: count }) => [name, slot, count])).toEqual([
      ["trial", "trial", 1],
      ["trial", "trial", 2],
      ["trial", "trial", 3],
      ["proven", "current", 0],
      ["proven", "current", 0],
    ]);
    const lastFailed = { release: trial, reason: "tries" };
    expect(await slots.read()).toMatchObject({ current: proven, trial: null, lastFailed });
  });

  it("runs a release for good once it is committed, and keeps the one before", async () => {
    const proven = await inForce("proven");
    const trial = await addUnpacked(images, "trial");
    await slots.activate(trial);
    await start();
    await slots.commit(trial);
    expect(await start()).toMatchObject({ name: "trial", slot: "current" });
    expect(await slots.read()).toMatchObject({ current: trial, previous: proven, trial: null });
  });

  it("does not start a release that was taken back, and keeps the hub's reason", async () => {
    await inForce("proven");
    const trial = await addUnpacked(images, "trial");
    await slots.activate(trial);
    await start();
    await slots.takeBack(trial, "no-broker");
    // As after a cut of the power that undid the removal.
    await writeFile(join(home, "trial"), `${trial}\n`);
    expect(await start()).toMatchObject({ name: "proven" });
    expect((await slots.read()).lastFailed).toEqual({ release: trial, reason: "no-broker" });
  });

  it.each(["", "x", "-1", "99", "1 1", "0x1", "\u0000", "1\u00002"])(
    "counts the garbage %j in tries as all of them",
    async (garbage) => {
      await inForce("proven");
      await slots.activate(await addUnpacked(images, "trial"));
      await writeFile(join(home, "tries"), `${garbage}\n`);
      expect(await start()).toMatchObject({ name: "proven", slot: "current" });
    },
  );

  it.each(["", "no hash", "../../etc", `${"a".repeat(64)}x`])(
    "passes over the garbage %j in trial",
    async (garbage) => {
      await inForce("proven");
      await writeFile(join(home, "tries"), "0\n");
      await writeFile(join(home, "trial"), garbage);
      expect(await start()).toMatchObject({ name: "proven", slot: "current" });
      expect((await slots.read()).trial).toBeNull();
    },
  );

  it("finishes a commit that the power cut before its last step", async () => {
    const proven = await inForce("proven");
    await writeFile(join(home, "tries"), "1\n");
    await writeFile(join(home, "trial"), `${proven}\n`);
    expect(await start()).toMatchObject({ name: "proven", slot: "current" });
    expect((await slots.read()).lastFailed).toBeNull();
  });

  it("does not try a release that has rotted, lacks a file, or has one too many", async () => {
    const proven = await inForce("proven");
    const harms: ((folder: string) => Promise<void>)[] = [
      (folder) => appendFile(join(folder, "hemhub"), "#"),
      (folder) => rm(join(folder, "lib", "a file")),
      (folder) => writeFile(join(folder, "one more"), ""),
    ];
    for (const [n, harm] of harms.entries()) {
      const trial = await addUnpacked(images, `trial ${n}`);
      await harm(join(images, `${trial}.dir`));
      await slots.activate(trial);
      expect(await start()).toMatchObject({ name: "proven", slot: "current" });
      expect((await slots.read()).lastFailed).toEqual({ release: trial, reason: "rot" });
    }
    expect((await slots.read()).current).toBe(proven);
  });

  it("falls back to the release before where the current one has rotted, and says why", async () => {
    await inForce("older");
    const newer = await inForce("newer");
    await truncate(join(images, `${newer}.dir`, "hemhub"), 10);
    expect(await start()).toMatchObject({ name: "older", slot: "previous", reason: "rot" });
  });

  it("runs what the hub was installed with where both have rotted", async () => {
    for (const name of ["older", "newer"]) await rm(join(images, `${await inForce(name)}.dir`, "hemhub"));
    expect(await start()).toEqual({ name: "base", slot: "rescue", release: "base", try: 0, reason: "rot" });
  });

  it("says in words that there is nothing to run", async () => {
    await chmod(join(base, "hemhub"), 0o644);
    const launched = await launch(home, { base, run: join(place, "run") });
    expect(launched).toMatchObject({ tag: "failed", code: 69 });
    expect(launched.said).toMatch(/nothing to run.*install Hemhub again/);
  });

  it("does not make a try that it cannot count", async () => {
    await inForce("proven");
    await slots.activate(await addUnpacked(images, "trial"));
    // A folder in the way of the draft, for the test may run as root, whom no mode stops.
    await mkdir(join(home, "tries.new"));
    expect(await start()).toMatchObject({ name: "proven", slot: "current" });
  });

  it("gives a release the runtime that it names, and none that has rotted", async () => {
    const runtime = await addUnpacked(images, "runtime");
    const folder = join(images, `${runtime}.dir`);
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "bin", "node"), "#!/bin/sh\nprintf '%s' '{\"name\":\"by the runtime\"}'\n");
    await chmod(join(folder, "bin", "node"), 0o755);
    listAgain(runtime);
    const release = await addUnpacked(images, "with runtime");
    const files = join(images, `${release}.dir`);
    await writeFile(join(files, "hemhub"), "#!/bin/sh\nexec node\n");
    await writeFile(join(files, "runtime"), `${runtime}\n`);
    listAgain(release);
    await slots.activate(release);
    expect(await start()).toEqual({ name: "by the runtime" });
    await appendFile(join(folder, "bin", "node"), "#");
    expect(await start()).toMatchObject({ slot: "base" });
    expect((await slots.read()).lastFailed).toEqual({ release, reason: "runtime" });
  });
});

const mount = mountable();

describe.skipIf(!mount.available)(titled("the launcher, with images that it mounts", mount), () => {
  const mounts = (): readonly string[] => readdirSync(join(place, "run", "mnt"));

  it("runs a release out of its image, and none with a flipped bit, and lets go of what it does not run", async () => {
    const release = await addImage(images, place, "mounted");
    const next = await addImage(images, place, "next");
    try {
      await slots.activate(release);
      expect(await start()).toMatchObject({ name: "mounted", slot: "trial", release });
      await slots.commit(release);
      await slots.activate(next);
      expect(await start()).toMatchObject({ name: "next", slot: "trial" });
      expect(mounts()).toEqual([next]);
      await slots.takeBack(next, "self-test");
      await slots.activate(next);
      await appendFile(join(images, `${next}.sqfs`), "\0");
      expect(await start()).toMatchObject({ name: "mounted", slot: "current" });
      expect((await slots.read()).lastFailed).toMatchObject({ release: next });
      expect(mounts()).toEqual([release]);
      await appendFile(join(images, `${release}.sqfs`), "\0");
      expect(await start()).toMatchObject({ name: "base", slot: "rescue" });
      expect(mounts()).toEqual([]);
    } finally {
      for (const name of mounts()) execFileSync("umount", [join(place, "run", "mnt", name)]);
    }
  });
});
