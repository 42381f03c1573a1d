import type { Brand } from "./brand.ts";

/** Milliseconds since 1970-01-01T00:00:00Z, as the hub's wall clock has them. May jump. */
export type EpochMs = Brand<number, "EpochMs">;
/** A duration, or a reading of the monotonic clock, in milliseconds. Never jumps. */
export type Millis = Brand<number, "Millis">;

export const epochMs = (value: number): EpochMs => value as EpochMs;
export const millis = (value: number): Millis => value as Millis;
export const seconds = (value: number): Millis => millis(value * 1000);
export const minutes = (value: number): Millis => millis(value * 60_000);

/** `YYYY-MM-DDTHH:mm:ss.sssZ`; throws RangeError outside the years 0 to 275760. */
export const isoUtc = (at: EpochMs): string => new Date(at).toISOString();

/** How the hub's wall clock was kept when a stamp was taken (design protocol.md, time). */
export type HubClockState = "ntp" | "rtc" | "holdover" | "unset";

/**
 * When something reached the hub. `utc` is null while the clock is not trusted; `bootId` and `monoMs` order
 * arrivals of one boot whatever the wall clock did, and let a later trusted clock back-fill this boot's stamps.
 */
export interface Arrival {
  readonly utc: EpochMs | null;
  readonly bootId: string;
  readonly monoMs: Millis;
  readonly hubClock: { readonly state: HubClockState; readonly errorMs: number | null };
}
