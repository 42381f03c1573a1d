import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { InstallProgress } from "../../ota/rauc/rauc-service.ts";
import type { Reason } from "../../ota/update/update-state.ts";
import { titled } from "../support/requirements.ts";
import { createKeepingLogger, type LogLine } from "../support/test-loggers.ts";
import { createRaucMachine, type RaucMachine, raucReady } from "./rauc-machine.ts";

const ready = raucReady();
const { signal } = new AbortController();
const FAILED: Reason = { code: "self-test", sentence: "update: its self-test failed" };

describe.skipIf(!ready.available)(titled("a bundle, installed by the real RAUC", ready), () => {
  let machine: RaucMachine;
  /** Downloaded, installed, and to be started next. */
  const tryOut = async (name: string) => {
    const { part, bundle } = await machine.make({ name });
    const backend = machine.backend();
    await backend.stage(part, await machine.download(bundle), null, signal);
    await backend.activate(part.image, []);
    await machine.reboot();
    return part.image;
  };
  beforeEach(async () => {
    machine = await createRaucMachine();
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  it("lies in the slot that does not run, and the download is gone; what runs stays what starts next", async () => {
    const { part, bundle } = await machine.make({ name: "one" });
    const lines: LogLine[] = [];
    const progress: InstallProgress[] = [];
    const settings = { logger: createKeepingLogger(lines), onProgress: (at: InstallProgress) => progress.push(at) };
    const backend = machine.backend(settings);
    expect(await backend.has(part.image)).toBe(false);
    const file = await machine.download(bundle);
    await backend.stage(part, file, null, signal);
    expect(await machine.nameIn("B")).toBe("one");
    expect(await backend.has(part.image)).toBe(true);
    expect(await createDiskFiles().sizeOf(file)).toBeNull();
    expect(progress.at(-1)).toMatchObject({ percent: 100 });
    expect(progress.some(({ step }) => step.startsWith("Copying image to rootfs.1"))).toBe(true);
    expect(lines.map(({ message }) => message)).toEqual(["rauc installs", "rauc has installed"]);
    await machine.reboot();
    expect(machine.booted()).toBe("A");
    expect(await machine.backend().status()).toEqual({
      running: { image: null, isTrial: false, tries: 0 },
      lastFailed: null,
      trouble: null,
    });
  });

  it("is tried, each start of the machine counts once, and it is in force once it is good", async () => {
    const image = await tryOut("one");
    expect(machine.booted()).toBe("B");
    const running = { image, isTrial: true, tries: 1 };
    expect(await machine.backend().status()).toMatchObject({ running });
    // Another process of the hub in the same run of the machine.
    expect(await machine.backend().status()).toMatchObject({ running });
    await machine.reboot();
    const backend = machine.backend();
    expect(await backend.status()).toMatchObject({ running: { ...running, tries: 2 } });
    await backend.markGood(image);
    // The boot loader goes on counting: what is in force must not run out of starts.
    for (let n = 0; n < 5; n += 1) {
      await machine.reboot();
      await machine.backend().status();
    }
    expect(await machine.backend().status()).toEqual({
      running: { image, isTrial: false, tries: 0 },
      lastFailed: null,
      trouble: null,
    });
  });

  it("is taken back with the hub's reason, and RAUC knows its slot as bad", async () => {
    const image = await tryOut("one");
    const backend = machine.backend();
    await backend.status();
    await backend.rollback(image, FAILED);
    await machine.reboot();
    expect(machine.booted()).toBe("A");
    expect(await machine.backend().status()).toMatchObject({
      running: { image: null, isTrial: false },
      lastFailed: { image, why: FAILED },
      trouble: null,
    });
    expect(await machine.rauc("status", "--output-format=json")).toMatch(/"rootfs\.1":\{[^}]*"boot_status":"bad"/);
  });

  it("that never proves itself is given up by the boot loader, and the hub says so", async () => {
    const image = await tryOut("one");
    for (const tries of [1, 2, 3]) {
      expect(await machine.backend().status()).toMatchObject({ running: { image, isTrial: true, tries } });
      await machine.reboot();
    }
    expect(machine.booted()).toBe("A");
    const failed = { running: { image: null, isTrial: false }, lastFailed: { image, why: { code: "tries" } } };
    expect(await machine.backend().status()).toMatchObject(failed);
    await machine.reboot();
    expect(await machine.backend().status()).toMatchObject(failed);
  });

  it("in force that the boot loader passes over is said to be trouble", async () => {
    const image = await tryOut("one");
    await machine.backend().markGood(image);
    await machine.rauc("status", "mark-bad", "rootfs.1");
    await machine.rauc("status", "mark-active", "rootfs.0");
    await machine.reboot();
    const { running, trouble } = await machine.backend().status();
    expect(running).toMatchObject({ image: null, isTrial: false });
    expect(trouble?.sentence).toMatch(/started slot rootfs\.0, and the release in slot rootfs\.1 is in force/);
  });

  it("is installed by the next one into the slot that ran before", async () => {
    const one = await tryOut("one");
    await machine.backend().markGood(one);
    const two = await tryOut("two");
    expect(machine.booted()).toBe("A");
    const backend = machine.backend();
    expect(await backend.status()).toMatchObject({ running: { image: two, isTrial: true, tries: 1 }, trouble: null });
    await backend.markGood(two);
    expect([await backend.has(one), await backend.has(two)]).toEqual([true, true]);
    await machine.reboot();
    expect(await machine.backend().status()).toMatchObject({ running: { image: two, isTrial: false }, trouble: null });
  });

  it("is not called in force where the record of its trial is damaged: the boot loader ends that trial", async () => {
    await tryOut("one");
    await writeFile(join(machine.folder, "rauc.json"), "damaged");
    const { running, trouble } = await machine.backend().status();
    expect(running).toEqual({ image: null, isTrial: false, tries: 0 });
    expect(trouble).toMatchObject({ code: "garbage" });
    for (let n = 0; n < 3; n += 1) await machine.reboot();
    expect(machine.booted()).toBe("A");
  });

  it("is checked by RAUC with the example of a system.conf", async () => {
    const example = fileURLToPath(new URL("../../packaging/rauc/system.conf.example", import.meta.url));
    const { bundle } = await machine.make({ name: "one", compatible: "hemhub-rpi4b" });
    const args = ["-c", example, "--keyring", machine.signer.certificate, "info", bundle];
    // RAUC refuses a file with a key that it does not know.
    expect(execFileSync("rauc", args, { encoding: "utf8", stdio: "pipe" })).toMatch(/Compatible:\s+'hemhub-rpi4b'/);
  });
});
