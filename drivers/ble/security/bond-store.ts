import { open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { HubError, messageOf } from "../../../protocol/errors.ts";
import type { Bond } from "./bond.ts";

/** Bonds by identity address. */
export interface BondStore {
  /** The bond of an identity address, or null. */
  get(address: string): Bond | null;
  all(): readonly Bond[];
  /** Rises with every bond that comes or goes. */
  readonly revision: number;
  /** Add or replace the bond of its identity address. Durable when it resolves. */
  put(bond: Bond): Promise<void>;
  /** Forget a bond. Durable when it resolves; no bond, no change. */
  remove(address: string): Promise<void>;
}

/** A home has a handful of sensors; more bonds than this mean a fault, and the oldest are not needed. */
const MOST_BONDS = 64;

const isBond = (value: unknown): value is Bond => {
  const bond = value as Partial<Bond> | null;
  return (
    /^[0-9a-f]{32}$/.test(bond?.ltk ?? "") &&
    /^[0-9a-f]{16}$/.test(bond?.rand ?? "") &&
    Number.isInteger(bond?.ediv) &&
    (bond?.irk === null || /^[0-9a-f]{32}$/.test(bond?.irk ?? "")) &&
    typeof bond?.authenticated === "boolean" &&
    /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(bond?.identity?.address ?? "")
  );
};

const parse = (text: string): readonly Bond[] => {
  const parsed = JSON.parse(text) as { schema?: unknown; bonds?: unknown };
  if (parsed.schema !== "bonds/1" || !Array.isArray(parsed.bonds) || !parsed.bonds.every(isBond)) {
    throw new Error("not a list of bonds");
  }
  return parsed.bonds;
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, "r");
  await handle.sync();
};

/** Temp, fsync, rename, fsync of the folder: after a power cut at any moment the old file or the new one is there. */
const replaceFile = async (file: string, text: string): Promise<void> => {
  const next = `${file}.next`;
  {
    await using handle = await open(next, "w", 0o600);
    // Where one was left behind by a power cut, `open` leaves its mode.
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(next, file);
  await syncFolder(path.dirname(file));
};

/**
 * Bonds in one JSON file, mode 0600. A file that cannot be understood is never overwritten: it is set aside under the
 * suffix `.damaged`, and `onDamage` is told with the sentence to report; the sensors in it then need re-enrolment.
 * Throws HubError `bond-lost` where the folder cannot be read or written.
 */
export const openBondStore = async (file: string, onDamage: (sentence: string) => void): Promise<BondStore> => {
  const bonds = new Map<string, Bond>();
  let writing: Promise<void> = Promise.resolve();
  let revision = 0;
  const load = async (): Promise<void> => {
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return;
      throw new HubError(
        "bond-lost",
        `bonds in ${file}: cannot be read (${messageOf(thrown)}); check the file's owner`,
        {
          cause: thrown,
        },
      );
    }
    try {
      for (const bond of parse(text)) bonds.set(bond.identity.address, bond);
    } catch (thrown) {
      await rename(file, `${file}.damaged`);
      await syncFolder(path.dirname(file));
      onDamage(
        `bonds in ${file}: ${messageOf(thrown)}; set aside as ${path.basename(file)}.damaged, enrol the sensors again`,
      );
    }
  };
  await load();

  const save = (): Promise<void> => {
    revision += 1;
    const write = async (): Promise<void> => {
      const text = JSON.stringify({ schema: "bonds/1", bonds: [...bonds.values()] }, null, 1);
      try {
        await replaceFile(file, text);
      } catch (thrown) {
        throw new HubError(
          "bond-lost",
          `bonds in ${file}: cannot be written (${messageOf(thrown)}); check disk and owner`,
          {
            cause: thrown,
          },
        );
      }
    };
    const done = writing.then(write, write);
    writing = done.catch(() => undefined);
    return done;
  };

  return {
    get: (address) => bonds.get(address) ?? null,
    all: () => [...bonds.values()],
    get revision() {
      return revision;
    },
    put: async (bond) => {
      bonds.delete(bond.identity.address);
      bonds.set(bond.identity.address, bond);
      const [oldest] = bonds.keys();
      if (bonds.size > MOST_BONDS && oldest !== undefined) bonds.delete(oldest);
      await save();
    },
    remove: async (address) => {
      if (bonds.delete(address)) await save();
    },
  };
};
