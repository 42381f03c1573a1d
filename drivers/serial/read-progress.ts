import { hash } from "node:crypto";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";

/**
 * What is remembered of a memory that was read, as fingerprints of its records. Positions in a memory shift with every
 * new record, so they say nothing.
 */
export interface ReadProgress {
  /** The newest record of the last read-out that was complete: it and all older ones are taken. */
  readonly newest: string | null;
  /** Of a read-out, newest first, that broke off: these two records and all between them are taken. */
  readonly partial: { readonly top: string; readonly bottom: string } | null;
}

/** 128 bits of SHA-256: a fingerprint and not the record, so that no measurement lies in the hub's memory of a sensor. */
export const fingerprintOf = (identity: Uint8Array): string => hash("sha256", identity, "hex").slice(0, 32);

const FINGERPRINT = /^[0-9a-f]{32}$/;

const isFingerprint = (value: unknown): value is string => typeof value === "string" && FINGERPRINT.test(value);

/** Key of one memory of a meter, by its name. */
const keyOf = (name: string): string => (name === "" ? "read" : `read-${name}`);

/** What is remembered, or nothing where the text makes no sense: that costs reading the memory again. */
export const readProgress = (memory: SensorMemory, name: string): ReadProgress => {
  const [newest, top, bottom] = (memory.read(keyOf(name)) ?? "").split(" ");
  return {
    newest: isFingerprint(newest) ? newest : null,
    partial: isFingerprint(top) && isFingerprint(bottom) ? { top, bottom } : null,
  };
};

/** Durable when it resolves. Writes only what is new. */
export const writeProgress = async (memory: SensorMemory, name: string, progress: ReadProgress): Promise<void> => {
  const { newest, partial } = progress;
  const text = `${newest ?? "-"}${partial === null ? "" : ` ${partial.top} ${partial.bottom}`}`;
  if (memory.read(keyOf(name)) !== text) await memory.write(keyOf(name), text);
};

/** Where a read-out, newest first, stands among what is remembered. */
export type Walk =
  /** Records that are new, or that a read-out which broke off had not reached. */
  | { readonly tag: "new"; readonly remembered: ReadProgress }
  /** Records that were taken before the read-out broke off, down to `bottom`. */
  | { readonly tag: "taken-before"; readonly remembered: ReadProgress; readonly bottom: string }
  /** Everything from here on is taken. */
  | { readonly tag: "known" };

export const startWalk = (remembered: ReadProgress): Walk => ({ tag: "new", remembered });

/** The next record, from the newest to the oldest, and whether it is to be taken. Pure. */
export const nextRecord = (walk: Walk, record: string): { walk: Walk; take: boolean } => {
  if (walk.tag === "known" || record === walk.remembered.newest) return { walk: { tag: "known" }, take: false };
  const { remembered } = walk;
  const { partial } = remembered;
  if (walk.tag === "taken-before") {
    return { walk: record === walk.bottom ? startWalk({ ...remembered, partial: null }) : walk, take: false };
  }
  if (partial === null || record !== partial.top) return { walk, take: true };
  const isWhole = partial.top === partial.bottom;
  const next: Walk = isWhole
    ? startWalk({ ...remembered, partial: null })
    : { tag: "taken-before", remembered, bottom: partial.bottom };
  return { walk: next, take: false };
};
