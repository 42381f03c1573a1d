import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";

/**
 * Which records of a memory were taken, where their order is not known: every one of the last read-out, by the first 32
 * bits of its fingerprint. That two of the 2000 records of the largest memory share them: 2000^2 / 2^33, one in two
 * thousand memories, and it costs a reading only where the one of them is new.
 */
const PRINT = 8;
/** 120 x 8 = 960 characters of the 1024 that a text may have. */
const PRINTS_IN_A_TEXT = 120;
/** 17 x 120 = 2040 records; with two memories 34 of the 64 texts of a sensor. */
const MOST_TEXTS = 17;

const keyOf = (name: string, part: number): string => `seen${name === "" ? "" : `-${name}`}-${part}`;

const shortOf = (fingerprint: string): string => fingerprint.slice(0, PRINT);

/** Whether a record, by its fingerprint, was taken. What makes no sense in the memory counts as nothing. */
export const seenRecords = (memory: SensorMemory, name: string): ((fingerprint: string) => boolean) => {
  const prints = new Set<string>();
  for (let part = 0; part < MOST_TEXTS; part++) {
    for (const [print] of (memory.read(keyOf(name, part)) ?? "").matchAll(/[0-9a-f]{8}/g)) prints.add(print);
  }
  return (fingerprint) => prints.has(shortOf(fingerprint));
};

/** Remember these and no others. Durable when it resolves; writes only what is new. */
export const writeSeen = async (memory: SensorMemory, name: string, fingerprints: readonly string[]): Promise<void> => {
  const prints = fingerprints.map(shortOf);
  for (let part = 0; part < MOST_TEXTS; part++) {
    const text = prints.slice(part * PRINTS_IN_A_TEXT, (part + 1) * PRINTS_IN_A_TEXT).join("");
    if ((memory.read(keyOf(name, part)) ?? "") !== text) await memory.write(keyOf(name, part), text);
  }
};
