import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { titled } from "../support/requirements.ts";
import { createKeepingLogger, type LogLine } from "../support/test-loggers.ts";
import {
  type BundleContent,
  createBundleSigner,
  createRaucMachine,
  partOf,
  type RaucMachine,
  raucReady,
} from "./rauc-machine.ts";

const ready = raucReady();
const { signal } = new AbortController();

/** The machine's disk, with one file that this user may not read. */
const denying = (denied: string): UpdateFiles => {
  const disk = createDiskFiles();
  return {
    ...disk,
    async *stream(path) {
      if (path === denied) throw new Error("EACCES: permission denied");
      yield* disk.stream(path);
    },
  };
};

describe.skipIf(!ready.available)(titled("a bundle that RAUC does not install to its end", ready), () => {
  let machine: RaucMachine;
  beforeEach(async () => {
    machine = await createRaucMachine();
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  it.each<[string, BundleContent, string, RegExp]>([
    ["for another kind of machine", { name: "other", compatible: "toaster" }, "update-unfit", /Compatible mismatch/],
    ["signed by somebody else", { name: "forged" }, "update-untrusted", /signature verification failed/],
  ])("%s is refused with RAUC's own word, and nothing is started", async (_, content, code, word) => {
    const signer = content.name === "forged" ? await createBundleSigner(machine.place, "stranger") : machine.signer;
    const { part, bundle } = await machine.make(content, signer);
    const backend = machine.backend();
    const staging = backend.stage(part, await machine.download(bundle), null, signal);
    await expect(staging).rejects.toMatchObject({ code, message: expect.stringMatching(word) });
    expect(await backend.has(part.image)).toBe(false);
    await machine.reboot();
    expect(machine.booted()).toBe("A");
    expect(await machine.nameIn("B")).toBe("");
  });

  it("with broken octets under a valid hash is refused by RAUC", async () => {
    const { bundle } = await machine.make({ name: "broken" });
    const octets = await readFile(bundle);
    octets.set(randomBytes(64), 4096);
    await writeFile(bundle, octets);
    const part = await partOf(bundle);
    const staging = machine.backend().stage(part, await machine.download(bundle), null, signal);
    await expect(staging).rejects.toMatchObject({ code: "update-untrusted" });
    expect(await machine.nameIn("B")).toBe("");
  });

  it("that is not what the region signed never reaches RAUC", async () => {
    const [one, other] = [await machine.make({ name: "one" }), await machine.make({ name: "other" })];
    const backend = machine.backend();
    const file = await machine.download(other.bundle);
    const staging = backend.stage(one.part, file, null, signal);
    await expect(staging).rejects.toMatchObject({ code: "update-untrusted" });
    expect(await machine.nameIn("B")).toBe("");
    expect(await createDiskFiles().sizeOf(file)).toBeNull();
  });

  it("is installed again after the power was cut in the middle of it", async () => {
    // A hub that may not read the slots has only its own record to go by.
    const settings = { files: denying(machine.deviceOf("B")) };
    const [one, two] = [await machine.make({ name: "one" }), await machine.make({ name: "two" })];
    await machine.backend(settings).stage(one.part, await machine.download(one.bundle), null, signal);
    await machine.hold();
    const file = await machine.download(two.bundle);
    const staging = machine.backend(settings).stage(two.part, file, null, signal);
    const refused = expect(staging).rejects.toMatchObject({ code: "update-unreachable" });
    await machine.held();
    await machine.killRauc();
    await refused;
    await machine.release();
    await machine.reboot();
    expect(machine.booted()).toBe("A");
    const backend = machine.backend(settings);
    expect(await machine.nameIn("B")).toBe("two");
    // RAUC's own account still says that the slot holds the first one: nobody may start it on that word.
    expect([await backend.has(one.part.image), await backend.has(two.part.image)]).toEqual([false, false]);
    await backend.stage(two.part, file, null, signal);
    expect(await machine.nameIn("B")).toBe("two");
    expect(await backend.has(two.part.image)).toBe(true);
  });

  it("that is not wanted any more is not staged, though RAUC goes on; the next one waits for it", async () => {
    const [one, two] = [await machine.make({ name: "one" }), await machine.make({ name: "two" })];
    await machine.hold();
    const stop = new AbortController();
    const backend = machine.backend();
    const staging = backend.stage(one.part, await machine.download(one.bundle), null, stop.signal);
    const refused = expect(staging).rejects.toThrow("not wanted");
    await machine.held();
    stop.abort(new Error("not wanted"));
    await refused;
    const next = backend.stage(two.part, await machine.download(two.bundle), null, signal);
    await machine.release();
    await next;
    expect(await machine.nameIn("B")).toBe("two");
    expect([await backend.has(one.part.image), await backend.has(two.part.image)]).toEqual([false, true]);
  });

  it("is not there any more after a bit of its slot has flipped, or somebody installed past the hub", async () => {
    const [one, two] = [await machine.make({ name: "one" }), await machine.make({ name: "two" })];
    const backend = machine.backend();
    await backend.stage(one.part, await machine.download(one.bundle), null, signal);
    const slot = await readFile(machine.deviceOf("B"));
    slot[9_000] = (slot[9_000] ?? 0) ^ 1;
    await writeFile(machine.deviceOf("B"), slot);
    expect(await backend.has(one.part.image)).toBe(false);
    await backend.stage(one.part, await machine.download(one.bundle), null, signal);
    expect(await backend.has(one.part.image)).toBe(true);
    await machine.rauc("install", two.bundle);
    expect(await backend.has(one.part.image)).toBe(false);
    await backend.activate(one.part.image, []);
    await machine.reboot();
    expect(machine.booted()).toBe("A");
    const lost = { lastFailed: { image: one.part.image, why: { code: "missing" } } };
    expect(await machine.backend().status()).toMatchObject(lost);
  });

  it("is downloaded anew where RAUC has taken its file away from the hub's user", async () => {
    const { part, bundle } = await machine.make({ name: "one" });
    const file = await machine.download(bundle);
    const staging = machine.backend({ files: denying(file) }).stage(part, file, null, signal);
    await expect(staging).rejects.toMatchObject({ code: "update-untrusted" });
    expect(await createDiskFiles().sizeOf(file)).toBeNull();
  });
});

describe.skipIf(!ready.available)(titled("RAUC that is set up otherwise", ready), () => {
  it("and activates what it installs is put right: the hub decides when it is tried", async () => {
    await using machine = await createRaucMachine({ system: [] });
    const { part, bundle } = await machine.make({ name: "one" });
    const lines: LogLine[] = [];
    const backend = machine.backend({ logger: createKeepingLogger(lines) });
    await backend.stage(part, await machine.download(bundle), null, signal);
    expect(lines).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/activate-installed=false/) }),
    );
    await machine.reboot();
    expect(machine.booted()).toBe("A");
  });

  it("and has no room in its slot is a full disk, and the hub goes on", async () => {
    const place = await mkdtemp(join(tmpdir(), "hemhub-small-slot-"));
    const disk = join(place, "disk");
    await writeFile(disk, "");
    await truncate(disk, 32 * 1024);
    const device = execFileSync("losetup", ["--find", "--show", disk], { encoding: "utf8" }).trim();
    try {
      await using machine = await createRaucMachine({ deviceB: device });
      const { part, bundle } = await machine.make({ name: "large" });
      const backend = machine.backend();
      const staging = backend.stage(part, await machine.download(bundle), null, signal);
      await expect(staging).rejects.toMatchObject({ code: "update-no-space" });
      expect(await backend.has(part.image)).toBe(false);
      await machine.reboot();
      expect(machine.booted()).toBe("A");
    } finally {
      execFileSync("losetup", ["--detach", device]);
      await rm(place, { recursive: true });
    }
  });

  it("and does not run is said to be so", async () => {
    await using machine = await createRaucMachine();
    await machine.killRauc();
    await expect(machine.backend().status()).rejects.toMatchObject({
      code: "update-unreachable",
      message: expect.stringMatching(/systemctl status rauc/),
    });
  });
});
