import { TargetFile } from "@tufjs/models";
import { HubError } from "../../protocol/errors.ts";
import type { RepositoryName } from "../download/source.ts";
import { MOST_TARGET_BYTES } from "./limits.ts";

/** Length in hexadecimal digits of the hashes that count; every other algorithm is ignored. */
const STRONG = { sha256: 64, sha512: 128 } as const;

export type StrongAlgorithm = keyof typeof STRONG;

/** What the region signed about a file. */
export interface TrustedTarget {
  readonly path: string;
  /** Exact, in bytes. */
  readonly length: number;
  /** At least one; the file must match all of them. Lower-case hexadecimal. */
  readonly hashes: readonly { readonly algorithm: StrongAlgorithm; readonly digest: string }[];
  /** Where it lies below `targets/` of the repository, not encoded. */
  readonly location: string;
  /** The signed custom fields, unparsed. */
  readonly custom: unknown;
}

/** None where one of them is not what its algorithm gives. */
const strongHashes = (hashes: Readonly<Record<string, string>>): TrustedTarget["hashes"] => {
  const algorithms = (["sha256", "sha512"] as const).filter((algorithm) => Object.hasOwn(hashes, algorithm));
  const strong = algorithms.map((algorithm) => ({ algorithm, digest: hashes[algorithm] ?? "" }));
  const isSound = strong.every((one) => one.digest.length === STRONG[one.algorithm] && /^[0-9a-f]+$/.test(one.digest));
  return isSound ? strong : [];
};

/** `a/b` with the hash in front of its last part, as consistent snapshots name it (TUF specification 6.2). */
const prefixed = (path: string, digest: string): string => path.replace(/[^/]*$/, (base) => `${digest}.${base}`);

/** The target as the TUF client found it, or why there is none that may be used. */
export const trustedTargetOf = (
  found: unknown,
  path: string,
  isConsistent: boolean,
  { name }: RepositoryName,
): TrustedTarget => {
  // Also keeps out what every object has, such as "constructor".
  if (!(found instanceof TargetFile)) {
    throw new HubError(
      "update-unknown-target",
      `update check: ${name} lists no ${path}; ask the region whether it is published for this hub`,
    );
  }
  if (!Number.isSafeInteger(found.length) || found.length > MOST_TARGET_BYTES) {
    throw new HubError(
      "update-too-large",
      `update check: ${path} is signed as ${found.length} bytes, and ${MOST_TARGET_BYTES} are the most; ask the region for a smaller one`,
    );
  }
  const hashes = strongHashes(found.hashes);
  const [first] = hashes;
  if (first === undefined) {
    throw new HubError(
      "update-untrusted",
      `update check: ${path} is signed without a sha256 or sha512 of its content, so nothing proves it; ask the region to sign it again`,
    );
  }
  const location = isConsistent ? prefixed(path, first.digest) : path;
  return { path, length: found.length, hashes, location, custom: found.unrecognizedFields.custom ?? null };
};
