/** Longest metadata that is read at all, whatever a role claims of another. In bytes; root, timestamp as TUF clients have it. */
export const MOST_METADATA_BYTES = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 2_000_000,
  targets: 5_000_000,
} as const;

/** Roots that one check may walk through; the next check goes on from there. */
export const MOST_ROOT_ROTATIONS = 256;

/** Delegated roles that the search for one target may visit. */
export const MOST_DELEGATIONS = 32;

/** Largest target: four times the largest release image that is planned for (512 MiB). */
export const MOST_TARGET_BYTES = 4 * 512 * 1024 * 1024;
