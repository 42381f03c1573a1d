import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Cut } from "./cuts.ts";

/** Memory, where there is such a file system: thousands of disks are made, and none of them has to last. */
const BASE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** The files of a cut in a folder of their own, as long as `use` takes. */
export const onDisk = async <T>(cut: Cut, use: (place: string) => Promise<T>): Promise<T> => {
  const place = await mkdtemp(join(BASE, "hemhub-cut-"));
  try {
    for (const [path, content] of cut.files) {
      await mkdir(dirname(join(place, path)), { recursive: true });
      await writeFile(join(place, path), content);
    }
    return await use(place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};
