import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { AssignmentId } from "../../protocol/ids.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileFailure } from "./number-floor.ts";
import { createDirectory } from "./outbox-files.ts";
import { credentialKey, keyTrouble, readKey } from "./outbox-key.ts";
import { createSeal, KEY_BYTES, type Seal } from "./seal.ts";

/** What the hub's own files (assignments, commands, quarantine) are kept with. It outlives an erase of the outbox. */
export interface StateKey {
  readonly seal: Seal;
  /** Stands for an assignment where a file only has to recognise it: says nothing without the key. 32 hex digits. */
  mark(assignment: AssignmentId): string;
}

const KEY_FILE = "state.key";
const SEALED = ".sealed";
const MARK_BYTES = 16;

const derived = (secret: Uint8Array, use: string): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, "", `hemhub state ${use}`, KEY_BYTES));

const stateKeyOf = (secret: Uint8Array): StateKey => {
  const marking = derived(secret, "mark");
  return {
    seal: createSeal(derived(secret, "seal")),
    mark: (assignment) =>
      createHmac("sha256", marking).update(assignment).digest().subarray(0, MARK_BYTES).toString("hex"),
  };
};

/**
 * From the systemd credential that the outbox's key comes from, where there is one, else from `state.key` (0600), which
 * is made where nothing is sealed yet. Throws HubError `outbox-key`, or the outbox's codes where the disk refuses.
 */
export const loadStateKey = async (dataDir: string, credentials: string | undefined): Promise<StateKey> => {
  await createDirectory(dataDir);
  const file = join(dataDir, KEY_FILE);
  const found = (await credentialKey(credentials)) ?? (await readKey(file));
  if (found !== null) return stateKeyOf(found);
  const names = await readdir(dataDir).catch((thrown: unknown) => {
    throw fileFailure("state key: look for sealed files", thrown);
  });
  if (names.some((name) => name.endsWith(SEALED))) {
    throw keyTrouble(`${file} is missing, and the hub's own files are sealed with it`, "Put the former file back");
  }
  const made = randomBytes(KEY_BYTES);
  try {
    await replaceDurably(file, `${made.toString("hex")}\n`);
  } catch (thrown) {
    throw fileFailure("state key: write", thrown);
  }
  return stateKeyOf(made);
};
