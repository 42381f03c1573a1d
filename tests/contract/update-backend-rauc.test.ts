import { writeFile } from "node:fs/promises";
import { describe } from "vitest";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { createRaucMachine, raucReady } from "../ota/rauc-machine.ts";
import { titled } from "../support/requirements.ts";
import { type BackendMachine, updateBackendContract } from "./update-backend.ts";

/** The real RAUC, with a boot loader that counts. */
const createBundlesMachine = async (): Promise<BackendMachine> => {
  const machine = await createRaucMachine();
  const made = new Map<ImageHash, string>();
  return {
    again: () => machine.backend(),
    restart: async () => {
      await machine.reboot();
      const backend = machine.backend();
      // As the hub does: its first look is what tells the boot loader that what is in force has started.
      await backend.status();
      return backend;
    },
    make: async (name) => {
      const { part, bundle } = await machine.make({ name });
      made.set(part.image, bundle);
      return part;
    },
    download: ({ image }) => machine.download(made.get(image) ?? ""),
    lose: () => writeFile(machine.deviceOf("B"), "lost"),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
};

const rauc = raucReady();
describe.skipIf(!rauc.available)(titled("bundles of RAUC", rauc), () => {
  updateBackendContract("as a backend", createBundlesMachine);
});
