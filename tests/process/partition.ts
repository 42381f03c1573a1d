import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A data partition whose whole image can be looked at: what is stolen with a card. */
export interface Partition extends AsyncDisposable {
  readonly folder: string;
  /** `ext4 image`, or what stands in for one. */
  readonly kind: string;
  /** Everything that is on it now, also what was removed. */
  image(): Promise<Buffer>;
}

const IMAGE_BYTES = 16 * 1024 * 1024;

const quietly = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const makeImage = async (file: string, ...options: readonly string[]): Promise<boolean> => {
  await writeFile(file, "");
  await truncate(file, IMAGE_BYTES);
  return quietly("mke2fs", ["-q", "-F", "-t", "ext4", ...options, file]);
};

/** Everything below, file by file; what goes while it is read is left out. */
const contentsOf = async (folder: string): Promise<Buffer> => {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name)).catch(() => Buffer.alloc(0))));
  return Buffer.concat([Buffer.from(names.join("\n")), ...contents]);
};

/**
 * At `folder`, in `place`: an ext4 file system in a file where this process may mount one, with its content in its
 * journal too, so that nothing is overwritten soon. Else an ordinary folder, of which an image is built at each look.
 */
export const createPartition = async (place: string, folder: string): Promise<Partition> => {
  const file = join(place, "partition.img");
  await mkdir(folder, { recursive: true });
  const isMounted =
    (await makeImage(file, "-O", "has_journal")) && quietly("mount", ["-o", "loop,data=journal", file, folder]);
  const looks: Buffer[] = [];
  return {
    folder,
    kind: isMounted ? "ext4 image, content in its journal" : "copies of the folder, and an image built of them",
    image: async () => {
      const files = await contentsOf(folder);
      if (isMounted) {
        execFileSync("sync", ["-f", folder]);
        return Buffer.concat([await readFile(file), files]);
      }
      const built = join(place, `built-${looks.length}.img`);
      looks.push(files);
      const image = (await makeImage(built, "-d", folder)) ? await readFile(built) : Buffer.alloc(0);
      await rm(built, { force: true });
      return Buffer.concat([image, files]);
    },
    [Symbol.asyncDispose]: async () => {
      if (isMounted) quietly("umount", ["--lazy", folder]);
      await rm(file, { force: true });
    },
  };
};
