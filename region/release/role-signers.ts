import type { Key, Metadata, Root, Targets } from "@tufjs/models";
import { nameOf } from "./role-key.ts";

export interface RoleSigners {
  readonly signatures: number;
  readonly threshold: number;
  /** Names of those who can still sign where signatures are missing; empty where none is. */
  readonly unsigned: readonly string[];
}

const hasSigned = (key: Key, metadata: Metadata<Root | Targets>): boolean => {
  if (metadata.signatures[key.keyID] === undefined) return false;
  try {
    key.verifySignature(metadata);
    return true;
  } catch {
    return false;
  }
};

/** Whose signatures count, and whose are missing, by the keys and threshold that a root gives a role. */
export const signersOf = (root: Root, role: "root" | "targets", metadata: Metadata<Root | Targets>): RoleSigners => {
  const keys = (root.roles[role]?.keyIDs ?? []).flatMap((id) => root.keys[id] ?? []);
  const signed = keys.filter((key) => hasSigned(key, metadata));
  const threshold = root.roles[role]?.threshold ?? 1;
  const rest = keys.filter((key) => !signed.includes(key)).map(nameOf);
  return { signatures: signed.length, threshold, unsigned: signed.length < threshold ? rest : [] };
};
