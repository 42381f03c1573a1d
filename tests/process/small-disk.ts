import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Requirement } from "../support/requirements.ts";

/** A disk of its own for a hub's data: small, and it can be filled and made read-only. */
export interface SmallDisk extends AsyncDisposable {
  /** Another program takes all of it, down to `leaving` bytes. */
  fill(leaving: number): Promise<void>;
  /** That program's file goes. */
  free(): Promise<void>;
  /** An error inside the file system, after which it takes no more writing (ext4, errors=remount-ro). */
  breakDown(): Promise<void>;
  /** The file system is checked and mounted again, as after a restart or an exchange. */
  repair(): void;
}

const DISK_BYTES = 12 * 1024 * 1024;

const quietly = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** Whether disks in a file can be mounted for other processes to see. */
export const diskMounts = async (): Promise<Requirement> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-mount-"));
  try {
    await using _disk = await createSmallDisk(place, join(place, "disk"));
    return { available: true, reason: null };
  } catch {
    return { available: false, reason: "an ext4 disk in a file can be mounted by root only: run as root" };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/** An ext4 file system of 12 MB at `folder`. Rejects where the kernel mounts none. */
export const createSmallDisk = async (place: string, folder: string): Promise<SmallDisk> => {
  let file = join(place, "disk.img");
  await mkdir(folder, { recursive: true });
  await writeFile(file, "");
  await truncate(file, DISK_BYTES);
  const mount = (): Buffer => execFileSync("mount", ["-o", "loop,errors=remount-ro", file, folder], { stdio: "pipe" });
  execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-m", "0", file], { stdio: "pipe" });
  mount();
  const other = join(folder, "other-program");
  return {
    fill: async (leaving) => {
      for (let step = 256 * 1024; step >= 512; step /= 2) {
        for (;;) {
          const { bavail, bsize } = await statfs(folder);
          if (bavail * bsize <= leaving + step) break;
          const isFull = await appendFile(other, new Uint8Array(step), { flush: true }).then(
            () => false,
            () => true,
          );
          if (isFull) break;
        }
      }
    },
    free: () => rm(other, { force: true }),
    breakDown: async () => {
      const device = execFileSync("findmnt", ["-no", "SOURCE", folder], { encoding: "utf8" }).trim();
      await writeFile(join("/sys/fs/ext4", basename(device), "trigger_fs_error"), "1");
    },
    repair: () => {
      // Whoever holds a file on the old one keeps it; mounted from the same file it would be the old one again.
      const repaired = `${file}.repaired`;
      copyFileSync(file, repaired);
      quietly("umount", ["--lazy", folder]);
      quietly("e2fsck", ["-fy", repaired]);
      file = repaired;
      mount();
    },
    [Symbol.asyncDispose]: async () => {
      quietly("umount", ["--lazy", folder]);
    },
  };
};
