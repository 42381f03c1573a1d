import type { EpochMs } from "../../protocol/time.ts";

/** A time that the region has signed for this hub, carried on by the monotonic clock. */
export interface ProvenTime {
  /** The time now, and how far it may be off at most; null where nothing was proven since the hub started. */
  now(): { readonly utc: EpochMs; readonly errorMs: number } | null;
}

/** For a hub whose region has no time service. */
export const noProvenTime: ProvenTime = { now: () => null };
