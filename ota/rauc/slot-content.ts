import { createHash } from "node:crypto";
import type { UpdateFiles } from "../files/update-files.ts";
import type { InstalledBundle, SlotContent } from "./rauc-record.ts";
import type { RaucSlot } from "./rauc-slots.ts";

/** SHA-256 of the first `size` bytes of a device; null where it holds fewer, or where the hub may not read it. */
const digestOf = async (files: UpdateFiles, { device }: RaucSlot, size: number): Promise<string | null> => {
  const hash = createHash("sha256");
  let left = size;
  try {
    for await (const chunk of files.stream(device)) {
      hash.update(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left === 0) break;
    }
  } catch {
    // Not readable for this user, or an error of the disk: in both cases nothing is known of it.
    return null;
  }
  return left === 0 ? hash.digest("hex") : null;
};

/** What lies in the slots of a bundle that was just installed. Reads all of it. */
export const contentOf = async (files: UpdateFiles, group: readonly RaucSlot[]): Promise<readonly SlotContent[]> => {
  const content: SlotContent[] = [];
  for (const slot of group) {
    const { written } = slot;
    if (written === null) continue;
    const isReadable = (await digestOf(files, slot, written.size)) === written.sha256;
    content.push({ slot: slot.name, ...written, isReadable });
  }
  return content;
};

/**
 * Has somebody installed something else there, past this hub? RAUC's own account may also be older than the hub's: its
 * status file is not made durable by RAUC with every certainty. That says nothing about what the slot holds.
 */
export const isOvertaken = ({ content }: InstalledBundle, slots: readonly RaucSlot[]): boolean =>
  content.some((known) => {
    const written = slots.find(({ name }) => name === known.slot)?.written ?? null;
    if (written === null) return false;
    return written.count > known.count || (written.count === known.count && written.sha256 !== known.sha256);
  });

/** Is all of it there that can be read? */
export const isStillThere = async (
  files: UpdateFiles,
  { content }: InstalledBundle,
  slots: readonly RaucSlot[],
): Promise<boolean> => {
  for (const known of content.filter(({ isReadable }) => isReadable)) {
    const slot = slots.find(({ name }) => name === known.slot);
    if (slot === undefined || (await digestOf(files, slot, known.size)) !== known.sha256) return false;
  }
  return true;
};
