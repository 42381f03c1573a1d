import { createHash } from "node:crypto";
import path from "node:path";
import type { UpdateFiles } from "../files/update-files.ts";
import { createSlots, type ImageHash, imageHash, type SlotState } from "../slots/slots.ts";
import type { BackendStatus, UpdateBackend } from "../update/backend.ts";
import { launcherReason } from "./launcher-reason.ts";
import { unpackImage } from "./unpack-image.ts";

/** What the launcher chose for this process, from its environment (packaging/launch/hemhub-launch). */
export interface Launched {
  readonly slot: string;
  readonly release: string;
  readonly tries: number;
  readonly reason: string;
}

/** How an image lies on the disk: as it is, to be mounted, or unpacked where nothing can be mounted. */
export interface ImageForm {
  readonly takesPatches: boolean;
  /** Path of the image file where images are kept as they are; null where they are unpacked. */
  isWhole(image: ImageHash): Promise<boolean>;
  /** Put a checked image file in its place. Durable when it resolves. */
  place(image: ImageHash, file: string, signal: AbortSignal): Promise<void>;
  /** Names in `images` that belong to an image. */
  namesOf(image: ImageHash): readonly string[];
}

export interface ReleaseImagesOptions {
  readonly files: UpdateFiles;
  /** The folder that the launcher was given. */
  readonly folder: string;
  readonly launched: Launched;
  readonly form: (images: string) => ImageForm;
}

/** Images as they are, `HASH.sqfs`: the launcher checks and mounts them. */
export const mountedForm =
  (files: UpdateFiles) =>
  (images: string): ImageForm => {
    const at = (image: ImageHash): string => path.join(images, `${image}.sqfs`);
    return {
      takesPatches: true,
      isWhole: async (image) => {
        if ((await files.sizeOf(at(image))) === null) return false;
        const hash = createHash("sha256");
        for await (const chunk of files.stream(at(image))) hash.update(chunk);
        return hash.digest("hex") === image;
      },
      place: (image, file) => files.rename(file, at(image)),
      namesOf: (image) => [`${image}.sqfs`],
    };
  };

const hashesIn = (content: Uint8Array | null): readonly ImageHash[] =>
  Buffer.from(content ?? [])
    .toString("latin1")
    .split("\n")
    .flatMap((line) => imageHash(line) ?? []);

/** Releases as images that a launcher chooses from at every start: the default backend (docs/updates.md). */
export const createReleaseImages = ({ files, folder, launched, form }: ReleaseImagesOptions): UpdateBackend => {
  const images = path.join(folder, "images");
  const slots = createSlots(files, folder);
  const lying = form(images);
  const needsOf = async (image: ImageHash): Promise<readonly ImageHash[]> =>
    hashesIn(await files.read(path.join(images, `${image}.needs`)));

  const inUse = (state: SlotState): readonly ImageHash[] =>
    [state.current, state.previous, state.trial, imageHash(launched.release)].flatMap((image) => image ?? []);

  return {
    name: "release-images",
    capabilities: { artefact: "release-image", takesPatches: lying.takesPatches, restartsMachine: false },
    downloads: path.join(folder, "downloads"),
    has: lying.isWhole,
    stage: async (part, file, from, signal) => {
      if (await lying.isWhole(part.image)) return;
      await files.makeDirectory(images);
      const base = from === null ? null : await files.read(path.join(images, `${from}.sqfs`));
      const draft = path.join(images, "draft");
      try {
        await unpackImage({ files, part, download: file, base, to: draft }, signal);
        await lying.place(part.image, draft, signal);
      } catch (thrown) {
        // Cancelled between the two, or refused by a full disk: readings need the room.
        await files.remove(draft);
        throw thrown;
      }
      await files.remove(file);
    },
    activate: async (image, needs) => {
      await files.makeDirectory(images);
      await files.replace(path.join(images, `${image}.needs`), Buffer.from(needs.map((need) => `${need}\n`).join("")));
      await slots.activate(image);
    },
    markGood: (image) => slots.commit(image),
    rollback: (image, why) => slots.takeBack(image, why.code),
    prune: async (kept) => {
      const used = [...inUse(await slots.read()), ...kept];
      const needed = [...used, ...(await Promise.all(used.map(needsOf))).flat()];
      const names = new Set(needed.flatMap((image) => [...lying.namesOf(image), `${image}.needs`]));
      for (const name of await files.list(images)) if (!names.has(name)) await files.remove(path.join(images, name));
    },
    status: async (): Promise<BackendStatus> => {
      const { current, lastFailed } = await slots.read();
      const { slot, release, tries, reason } = launched;
      const image = imageHash(release);
      // It was started as a trial, and may have been put in force since.
      const isTrial = slot === "trial" && current !== image;
      return {
        running: isTrial ? { image, isTrial, tries } : { image, isTrial, tries: 0 },
        lastFailed:
          lastFailed === null ? null : { image: lastFailed.release, why: launcherReason(lastFailed.reason, "trial") },
        trouble: reason === "" ? null : launcherReason(reason, slot),
      };
    },
  };
};
