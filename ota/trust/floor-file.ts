import { createHash } from "node:crypto";
import path from "node:path";
import type { UpdateFiles } from "../files/update-files.ts";
import { FLOOR_NAMES, type Floor, type VersionFloors } from "./version-floors.ts";

const SCHEMA = "version-floors/1";
const COPIES = ["version-floors.1", "version-floors.2"] as const;

interface Copy {
  /** Counts the writings: the later copy is the true one, for a floor may also go down (root took its keys). */
  readonly generation: number;
  readonly floors: VersionFloors;
}

export interface FloorFile {
  /** Empty on a new hub, and where both copies are damaged: then the metadata in place is all there is. */
  load(): Promise<{ readonly floors: VersionFloors; readonly damagedCopies: number }>;
  /** Durable in both copies when it resolves; after a cut before, either the old floors or these are there. */
  save(floors: VersionFloors): Promise<void>;
}

const checkOf = (generation: number, floors: VersionFloors): string =>
  createHash("sha256")
    .update(JSON.stringify([SCHEMA, generation, FLOOR_NAMES.map((name) => floors[name] ?? null)]))
    .digest("hex");

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const parseFloor = (value: unknown): Floor | null => {
  if (!isRecord(value) || !Number.isSafeInteger(value.value) || !Array.isArray(value.signers)) return null;
  const signers = value.signers.filter((signer) => typeof signer === "string");
  return { value: Number(value.value), signers };
};

const parseCopy = (bytes: Uint8Array): Copy | null => {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
  if (!isRecord(content) || content.schema !== SCHEMA || !isRecord(content.floors)) return null;
  const generation = Number(content.generation);
  const floors: Partial<Record<string, Floor>> = {};
  for (const name of FLOOR_NAMES) {
    const floor = parseFloor(content.floors[name]);
    if (floor !== null) floors[name] = floor;
  }
  return content.check === checkOf(generation, floors) ? { generation, floors } : null;
};

const render = (generation: number, floors: VersionFloors): Uint8Array =>
  Buffer.from(`${JSON.stringify({ schema: SCHEMA, generation, floors, check: checkOf(generation, floors) })}\n`);

/** The version floors of a folder, in two copies: one damaged sector does not take the protection away. */
export const createFloorFile = (files: UpdateFiles, directory: string): FloorFile => {
  const readCopies = async () => {
    const contents = await Promise.all(COPIES.map((name) => files.read(path.join(directory, name))));
    const copies = contents.map((bytes) => (bytes === null ? null : parseCopy(bytes)));
    const newest = copies.reduce((best, copy) => ((copy?.generation ?? -1) > (best?.generation ?? -1) ? copy : best));
    return { newest, damagedCopies: contents.filter((bytes, i) => bytes !== null && copies[i] === null).length };
  };
  return {
    load: async () => {
      const { newest, damagedCopies } = await readCopies();
      return { floors: newest?.floors ?? {}, damagedCopies };
    },
    save: async (floors) => {
      const generation = ((await readCopies()).newest?.generation ?? 0) + 1;
      for (const name of COPIES) await files.replace(path.join(directory, name), render(generation, floors));
    },
  };
};
