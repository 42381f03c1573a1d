import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Requirement, requirement } from "../support/requirements.ts";

/** Whether this process may mount a squashfs image, found out by doing so. */
export const mountable = (): Requirement => {
  const tools = requirement("mksquashfs");
  if (!tools.available) return tools;
  const place = mkdtempSync(join(tmpdir(), "hemhub-mount-"));
  const [image, at] = [join(place, "image"), join(place, "at")];
  try {
    execFileSync("mkdir", [at]);
    execFileSync("mksquashfs", [at, image, "-noappend", "-quiet", "-no-progress"], { stdio: "ignore" });
    execFileSync("mount", ["-t", "squashfs", "-o", "loop,ro,nodev,nosuid", image, at], { stdio: "ignore" });
    execFileSync("umount", [at]);
    return { available: true, reason: null };
  } catch {
    const reason = "a squashfs image cannot be mounted here: run as root, with loop devices and squashfs in the kernel";
    return { available: false, reason };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
};

/** Let go of the images that the launcher mounted with `run` as its folder. */
export const unmountBelow = async (run: string): Promise<void> => {
  const mounts = join(run, "mnt");
  for (const name of await readdir(mounts).catch(() => [] as string[])) {
    execFileSync("umount", ["--lazy", join(mounts, name)], { stdio: "ignore" });
  }
};
