import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** An image file and what the region signs about it. */
export interface Image {
  readonly file: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
  readonly length: number;
}

export const imageOf = async (file: string): Promise<Image> => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { file, hash: hash.digest("hex"), length: (await stat(file)).size };
};

/**
 * Everything that would make two images of the same files differ is fixed: times, owners, and the order that several
 * processors would write in. Nothing is compressed inside, so that the difference between two releases is small.
 */
const ALWAYS_THE_SAME = [
  ...["-noappend", "-quiet", "-no-progress", "-no-xattrs", "-no-exports", "-all-root"],
  ...["-noI", "-noId", "-noD", "-noF", "-noX"],
  ...["-mkfs-time", "0", "-all-time", "0", "-processors", "1"],
];

/** Make an image of `folder`: the same files give the same octets. Takes mksquashfs (Debian package squashfs-tools). */
export const makeSquashfs = async (folder: string, file: string): Promise<Image> => {
  await rm(file, { force: true });
  const env: NodeJS.ProcessEnv = { ...process.env };
  // It refuses the options above where this variable says otherwise.
  delete env.SOURCE_DATE_EPOCH;
  await run("mksquashfs", [folder, file, ...ALWAYS_THE_SAME], { env });
  return imageOf(file);
};
