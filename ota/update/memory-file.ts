import { createHash } from "node:crypto";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { explainingFullDisk } from "../files/no-space.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import { NOTHING_UPDATED, type UpdateMemory } from "./update-state.ts";

const SCHEMA = "update/1";

/** Where an update's memory is kept: one file, whole or as it was before, whatever the power does. */
export interface MemoryFile {
  /** Nothing, and `damaged`, where the file makes no sense: what is in force is known by the backend, and the rest is begun anew. */
  load(): Promise<{ readonly memory: UpdateMemory; readonly damaged: boolean }>;
  /** Durable when it resolves. Rejects with `update-no-space` where the disk is full, else with `update-unreachable`. */
  save(memory: UpdateMemory): Promise<void>;
}

const checkOf = (memory: UpdateMemory): string =>
  createHash("sha256")
    .update(`${SCHEMA}\n${JSON.stringify(memory)}`)
    .digest("hex");

/** Null where it is not exactly what `save` wrote: a damaged state must not be acted upon. */
const parse = (bytes: Uint8Array): UpdateMemory | null => {
  try {
    const { schema, memory, check } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return schema === SCHEMA && check === checkOf(memory) ? (memory as UpdateMemory) : null;
  } catch {
    return null;
  }
};

export const createMemoryFile = (files: UpdateFiles, file: string): MemoryFile => ({
  load: async () => {
    const bytes = await files.read(file);
    const memory = bytes === null ? NOTHING_UPDATED : parse(bytes);
    return { memory: memory ?? NOTHING_UPDATED, damaged: memory === null };
  },
  save: async (memory) => {
    const text = `${JSON.stringify({ schema: SCHEMA, memory, check: checkOf(memory) })}\n`;
    try {
      await explainingFullDisk("update: remembering what comes next", () => files.replace(file, Buffer.from(text)));
    } catch (thrown) {
      if (isHubError(thrown)) throw thrown;
      const sentence = `update: what comes next could not be remembered (${messageOf(thrown)}); look at the disk`;
      throw new HubError("update-unreachable", sentence, { cause: thrown });
    }
  },
});
