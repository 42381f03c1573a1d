import type { HubError } from "../../protocol/errors.ts";
import type { EpochMs } from "../../protocol/time.ts";
import { isoUtc } from "../../protocol/time.ts";
import type { RepositoryName } from "../download/source.ts";
import { referenceTime } from "./reference-time.ts";
import { expired, rolledBack, untrusted } from "./refusal.ts";
import { expiryOfDelegated, readRole, type TrustedRoot, type VerifiedRole } from "./verified-metadata.ts";
import { type FlooredRole, floorOf, governorOf, raiseFloor, type VersionFloors } from "./version-floors.ts";

/** The order in which metadata vouches for metadata. */
const ROLES: readonly FlooredRole[] = ["timestamp", "snapshot", "targets"];

const TOP_LEVEL = new Set(["root.json", ...ROLES.map((role) => `${role}.json`)]);

/** A delegated role that is damaged or no longer valid. Such are dropped from staging, so that one found later was sent. */
export const isStaleDelegated = (name: string, bytes: Uint8Array, reference: EpochMs): boolean =>
  !TOP_LEVEL.has(name) && (expiryOfDelegated(bytes) ?? 0) <= reference;

/** What the TUF client left in its staging folder, and what is already installed. */
export interface Staged {
  readonly contents: ReadonlyMap<string, Uint8Array>;
  /** Names whose content differs from what is installed. */
  readonly changed: ReadonlySet<string>;
  /** The client ended without an error: then everything counts that it used, not only what is new. */
  readonly isComplete: boolean;
}

export interface Acceptance {
  /** Files to install after root.json and the floors, in order. */
  readonly install: readonly string[];
  readonly floors: VersionFloors;
  /** Why what follows was not taken; null where all was. */
  readonly refusal: HubError | null;
}

export interface Circumstances {
  readonly root: TrustedRoot;
  readonly floors: VersionFloors;
  readonly systemClock: EpochMs;
  readonly builtAt: EpochMs;
  readonly repository: RepositoryName;
}

/** The time that this update measures expiry by. */
export const referenceOf = ({ root, floors, systemClock, builtAt }: Circumstances): EpochMs =>
  referenceTime({ systemClock, builtAt, lastSigned: floorOf(floors, "signedAt", root.keysOf) as EpochMs });

/**
 * What of the verified files a hub accepts: what the TUF client cannot know, because it forgets with every damaged file
 * and believes the machine's clock. Pure.
 */
export const acceptanceOf = (staged: Staged, circumstances: Circumstances): Acceptance => {
  const { root, repository } = circumstances;
  const reference = referenceOf(circumstances);
  const install: string[] = [];
  let floors = circumstances.floors;
  const verified = (role: FlooredRole): VerifiedRole | null =>
    readRole(root, role, staged.contents.get(`${role}.json`) ?? new Uint8Array());
  const refused = (refusal: HubError): Acceptance => ({ install, floors, refusal });

  if (staged.isComplete && root.expires <= reference) {
    return refused(expired(repository, "root.json", isoUtc(reference)));
  }
  for (const role of ROLES) {
    const name = `${role}.json`;
    const isNew = staged.changed.has(name);
    if (!staged.contents.has(name) || !(isNew || staged.isComplete)) continue;
    const found = verified(role);
    if (found === null) return refused(untrusted(repository, `${name} does not verify`));
    const { version, signers, signedAt } = found;
    if (!Number.isSafeInteger(version) || version < 1)
      return refused(untrusted(repository, `${name} version ${version}`));
    const floor = floorOf(floors, role, root.keysOf);
    if (version < floor) return refused(rolledBack(repository, `${name} version`, version, floor));
    if (found.expires <= reference) return refused(expired(repository, name, isoUtc(reference)));
    const vouchers = verified(governorOf(role))?.signers ?? [];
    floors = raiseFloor(floors, role, { value: version, signers: vouchers }, root.keysOf);
    if (role === "timestamp" && signedAt !== null) {
      if (signedAt > found.expires) return refused(untrusted(repository, `${name} expires before it was signed`));
      floors = raiseFloor(floors, "signedAt", { value: signedAt, signers }, root.keysOf);
    }
    if (isNew) install.push(name);
  }
  for (const [name, bytes] of staged.contents) {
    if (TOP_LEVEL.has(name)) continue;
    if (isStaleDelegated(name, bytes, reference)) return refused(expired(repository, name, isoUtc(reference)));
    if (staged.changed.has(name)) install.push(name);
  }
  return { install, floors, refusal: null };
};
