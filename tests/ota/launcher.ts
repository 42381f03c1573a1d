import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageHash } from "../../ota/slots/slots.ts";

const LAUNCHER = fileURLToPath(new URL("../../packaging/launch/hemhub-launch", import.meta.url));

/** What a release of these tests says of itself when it is started. */
export interface Started {
  readonly name: string;
  readonly slot: string;
  readonly release: string;
  readonly try: number;
  readonly reason: string;
}

/** How the launcher ended: with the release that it became, or without one. */
export type Launch =
  | { readonly tag: "started"; readonly started: Started; readonly said: string }
  | { readonly tag: "failed"; readonly code: number; readonly said: string };

/** A program that says its name, what the launcher told it, and ends. */
export const sayingItsName = (name: string): string => `#!/bin/sh
printf '{"name":"%s","slot":"%s","release":"%s","try":%s,"reason":"%s"}' \\
  '${name}' "$HEMHUB_SLOT" "$HEMHUB_RELEASE" "$HEMHUB_TRY" "$HEMHUB_SLOT_REASON"
`;

/** The files of a release that says its name and ends, or does what `script` does. */
export const writeRelease = async (folder: string, name: string, script = sayingItsName(name)): Promise<void> => {
  await mkdir(join(folder, "lib"), { recursive: true });
  await writeFile(join(folder, "hemhub"), script);
  await chmod(join(folder, "hemhub"), 0o755);
  await writeFile(join(folder, "lib", "a file"), `of ${name}`);
};

const listOf = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const lines = files.map(async (file) => {
    const digest = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    return `${digest}  .${file.slice(folder.length)}\n`;
  });
  return (await Promise.all(lines)).join("");
};

/** A release as it lies where nothing can be mounted. Its hash is of its name: nothing reads it out of the files. */
export const addUnpacked = async (images: string, name: string, script = sayingItsName(name)): Promise<ImageHash> => {
  const hash = createHash("sha256").update(name).digest("hex") as ImageHash;
  const folder = join(images, `${hash}.dir`);
  await writeRelease(folder, name, script);
  await writeFile(join(images, `${hash}.list`), await listOf(folder));
  return hash;
};

/** A release as it lies on a hub. */
export const addImage = async (
  images: string,
  place: string,
  name: string,
  script = sayingItsName(name),
): Promise<ImageHash> => {
  const folder = join(place, `files of ${name}`);
  await writeRelease(folder, name, script);
  const draft = join(place, "draft.sqfs");
  execFileSync("mksquashfs", [folder, draft, "-noappend", "-quiet", "-no-progress"], { stdio: "ignore" });
  const image = await readFile(draft);
  const hash = createHash("sha256").update(image).digest("hex") as ImageHash;
  await mkdir(images, { recursive: true });
  await writeFile(join(images, `${hash}.sqfs`), image);
  return hash;
};

/** Start what the launcher chooses in `home`. */
export const launch = (home: string, surroundings: { readonly base: string; readonly run: string }): Promise<Launch> =>
  new Promise((resolve) => {
    const env = { ...process.env, HEMHUB_BASE: surroundings.base, HEMHUB_RUN: surroundings.run };
    execFile(LAUNCHER, ["start", home], { env }, (error, stdout, said) => {
      if (error !== null) resolve({ tag: "failed", code: Number(error.code), said });
      else resolve({ tag: "started", started: JSON.parse(stdout) as Started, said });
    });
  });
