import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createReleaseImages, type ImageForm, type Launched, mountedForm } from "../../ota/images/release-images.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import { type ImageHash, imageHash } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import type { ReleasePart } from "../../ota/update/update-state.ts";
import { packImage } from "../../region/release/pack.ts";
import { makeSquashfs } from "../../region/release/squashfs.ts";
import { launch, writeRelease } from "../ota/launcher.ts";
import { mountable, unmountBelow } from "../ota/mountable.ts";
import { requirement, titled } from "../support/requirements.ts";
import { type BackendMachine, updateBackendContract } from "./update-backend.ts";

const partOf = (image: ImageHash, imageLength: number): ReleasePart => {
  const whole = { path: "releases/one", length: 0, hashes: [], location: "", custom: null };
  return { image, imageLength, whole, patch: null };
};

/** Release images in one of their forms, chosen by the real launcher. */
const createImagesMachine = async (
  formOf: (files: ReturnType<typeof createDiskFiles>) => (at: string) => ImageForm,
) => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-contract-"));
  const [folder, base, run] = [join(place, "releases"), join(place, "base"), join(place, "run")];
  const files = createDiskFiles();
  const made = new Map<ImageHash, string>();
  let launched: Launched | null = null;
  await writeRelease(base, "base");
  await files.makeDirectory(folder);
  const again = (): UpdateBackend => {
    if (launched === null) throw new Error("the machine was not started");
    return createReleaseImages({ files, folder, launched, form: formOf(files) });
  };
  const machine: BackendMachine = {
    again,
    restart: async () => {
      const result = await launch(folder, { base, run });
      if (result.tag === "failed") throw new Error(result.said);
      const { slot, release, try: tries, reason } = result.started;
      launched = { slot, release, tries, reason };
      return again();
    },
    make: async (name) => {
      await writeRelease(join(place, name), name);
      const { file, hash, length } = await makeSquashfs(join(place, name), join(place, `${name}.sqfs`));
      const image = imageHash(hash);
      if (image === null) throw new Error(`${hash} is no hash`);
      made.set(image, file);
      return partOf(image, length);
    },
    download: async ({ image }) => {
      await mkdir(again().downloads, { recursive: true });
      const to = join(again().downloads, "release");
      await packImage(made.get(image) ?? "", to, null);
      return to;
    },
    lose: async ({ image }) => {
      for (const name of await files.list(join(folder, "images"))) {
        if (name.startsWith(image)) await rm(join(folder, "images", name), { recursive: true });
      }
    },
    [Symbol.asyncDispose]: async () => {
      await unmountBelow(run);
      await rm(place, { recursive: true, force: true });
    },
  };
  return machine;
};

const unpackable = requirement("mksquashfs");
describe.skipIf(!unpackable.available)(titled("release images that are unpacked", unpackable), () => {
  updateBackendContract("as a backend", () => createImagesMachine(unpackedForm));
});

const mounts = mountable();
describe.skipIf(!mounts.available)(titled("release images that are mounted", mounts), () => {
  updateBackendContract("as a backend", () => createImagesMachine(mountedForm));
});
