import { createHash } from "node:crypto";
import {
  type Key,
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import { type EpochMs, epochMs } from "../../protocol/time.ts";
import type { FlooredRole, KeysOf } from "./version-floors.ts";

/** Signed field of timestamp.json that says when it was signed (ISO 8601); TUF itself has only the time of expiry. */
export const SIGNED_AT_FIELD = "x-hemhub-signed-at";

export interface TrustedRoot {
  readonly version: number;
  readonly expires: EpochMs;
  /** Whether names in the repository carry versions and hashes (TUF specification 6.2). */
  readonly consistentSnapshot: boolean;
  readonly keysOf: KeysOf;
  readonly metadata: Metadata<Root>;
}

/** A file of a role that verifies under a root. */
export interface VerifiedRole {
  readonly version: number;
  readonly expires: EpochMs;
  /** Fingerprints of the keys whose signatures are good. */
  readonly signers: readonly string[];
  readonly signedAt: EpochMs | null;
}

/** By content, not by key id: a root may give another key the same id. */
const fingerprintOf = (key: Key): string =>
  createHash("sha256")
    .update(JSON.stringify([key.keyType, key.scheme, key.keyVal.public ?? ""]))
    .digest("hex");

const jsonOf = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString("utf8"));

const KINDS = {
  timestamp: (bytes: Uint8Array) => Metadata.fromJSON(MetadataKind.Timestamp, jsonOf(bytes)),
  snapshot: (bytes: Uint8Array) => Metadata.fromJSON(MetadataKind.Snapshot, jsonOf(bytes)),
  targets: (bytes: Uint8Array) => Metadata.fromJSON(MetadataKind.Targets, jsonOf(bytes)),
} as const;

const orNull = <T>(parse: () => T): T | null => {
  try {
    return parse();
  } catch {
    return null;
  }
};

const expiryOf = (signed: { readonly expires: string }): EpochMs => epochMs(Date.parse(signed.expires));

/** A root that is signed by itself; null where the bytes are none. Whether to trust it is for the chain to say. */
export const readRoot = (bytes: Uint8Array): TrustedRoot | null =>
  orNull(() => {
    const metadata = Metadata.fromJSON(MetadataKind.Root, jsonOf(bytes));
    metadata.verifyDelegate(MetadataKind.Root, metadata);
    const { version, consistentSnapshot, keys, roles } = metadata.signed;
    return {
      version,
      expires: expiryOf(metadata.signed),
      consistentSnapshot,
      metadata,
      keysOf: (role) => ({
        threshold: roles[role]?.threshold ?? Number.POSITIVE_INFINITY,
        fingerprints: new Set((roles[role]?.keyIDs ?? []).flatMap((id) => (keys[id] ? [fingerprintOf(keys[id])] : []))),
      }),
    };
  });

const signersOf = (
  root: TrustedRoot,
  role: FlooredRole,
  signed: Metadata<Timestamp | Snapshot | Targets>,
): string[] => {
  const { keys, roles } = root.metadata.signed;
  return (roles[role]?.keyIDs ?? []).flatMap((id) => {
    const key = keys[id];
    if (key === undefined) return [];
    const good = orNull(() => {
      key.verifySignature(signed);
      return fingerprintOf(key);
    });
    return good === null ? [] : [good];
  });
};

const signedAtOf = (fields: Readonly<Record<string, unknown>>): EpochMs | null => {
  const text = fields[SIGNED_AT_FIELD];
  const at = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : epochMs(at);
};

/** What a file of a role says; null where it does not verify under the root. */
export const readRole = (root: TrustedRoot, role: FlooredRole, bytes: Uint8Array): VerifiedRole | null =>
  orNull(() => {
    const metadata = KINDS[role](bytes);
    root.metadata.verifyDelegate(role, metadata);
    return {
      version: metadata.signed.version,
      expires: expiryOf(metadata.signed),
      signers: signersOf(root, role, metadata),
      signedAt: signedAtOf(metadata.signed.unrecognizedFields),
    };
  });

/** When a delegated role expires; null where the bytes are none. */
export const expiryOfDelegated = (bytes: Uint8Array): EpochMs | null =>
  orNull(() => expiryOf(KINDS.targets(bytes).signed));
