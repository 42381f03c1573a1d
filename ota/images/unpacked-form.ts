import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { explainFullDisk } from "../files/no-space.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { ImageForm } from "./release-images.ts";

const run = promisify(execFile);

const digestOf = async (files: UpdateFiles, file: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of files.stream(file)) hash.update(chunk);
  return hash.digest("hex");
};

/** What `sha256sum --check` reads: the digest of every file below `folder`, sorted by path. */
const listFiles = async (files: UpdateFiles, folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  let list = "";
  for (const file of paths.toSorted()) list += `${await digestOf(files, file)}  ./${path.relative(folder, file)}\n`;
  return list;
};

/**
 * Images unpacked into folders, `HASH.dir` with `HASH.list`, for machines where nothing can be mounted. Takes the program
 * unsquashfs (Debian package squashfs-tools).
 */
export const unpackedForm =
  (files: UpdateFiles) =>
  (images: string): ImageForm => {
    const at = (image: ImageHash, ending: string): string => path.join(images, `${image}.${ending}`);

    const unpack = async (file: string, draft: string, signal: AbortSignal): Promise<void> => {
      try {
        await files.remove(draft);
        await run("unsquashfs", ["-no-progress", "-no-xattrs", "-d", draft, file], { signal });
        // Everything below it on its file system (syncfs(2)): there is no call for one folder.
        await run("sync", ["--file-system", draft], { signal });
      } catch (thrown) {
        await files.remove(draft);
        signal.throwIfAborted();
        const explained = explainFullDisk(thrown, "update: unpacking");
        if (explained !== thrown) throw explained;
        throw new HubError(
          "update-untrusted",
          `update: the image could not be unpacked (${messageOf(thrown)}); where unsquashfs is missing, install the Debian package squashfs-tools`,
          { cause: thrown },
        );
      }
    };

    return {
      takesPatches: false,
      isWhole: async (image) => {
        const list = await files.read(at(image, "list"));
        if (list === null || (await files.list(at(image, "dir"))).length === 0) return false;
        return Buffer.from(list).toString("utf8") === (await listFiles(files, at(image, "dir")));
      },
      place: async (image, file, signal) => {
        const draft = at(image, "draft");
        await unpack(file, draft, signal);
        await files.replace(at(image, "list"), Buffer.from(await listFiles(files, draft)));
        await files.remove(at(image, "dir"));
        await files.rename(draft, at(image, "dir"));
        await files.remove(file);
      },
      namesOf: (image) => [`${image}.dir`, `${image}.list`],
    };
  };
