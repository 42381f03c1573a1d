import type { DraftReading, Reading } from "../../protocol/reading.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";

/** How the measurements of a workload are made, and told apart again at the region. */
export interface Naming {
  make(n: number): DraftReading;
  keyOf(reading: DraftReading): string;
}

/** The sensor's own bytes name the measurement: effects are counted without relying on the id, which prevents doubles. */
export const namedByBytes: Naming = {
  make: (n) => {
    const reading = sampleReading(n);
    const rawHex = n.toString(16).padStart(8, "0");
    return { ...reading, provenance: { ...reading.provenance, rawHex } };
  },
  keyOf: ({ provenance }) => provenance.rawHex,
};

/** For workloads whose readings differ in nothing but their key. */
export const namedByIdem: Naming = { make: sampleReading, keyOf: ({ idem }) => idem };

/** Acknowledged as durable: number of the measurement by sequence number. */
export type Acknowledged = ReadonlyMap<number, number>;

export interface Held {
  readonly lost: number;
  readonly altered: number;
  readonly doubled: number;
}

/** Hold what took effect at a region, in any order, to what had been acknowledged to the sensors. */
export const holdToAccount = (effects: readonly Reading[], acknowledged: Acknowledged, naming: Naming): Held => {
  const byMeasurement = Map.groupBy(effects, naming.keyOf);
  let [lost, altered] = [0, 0];
  for (const [seq, n] of acknowledged) {
    const made = naming.make(n);
    const [effect] = byMeasurement.get(naming.keyOf(made)) ?? [];
    if (effect === undefined) lost += 1;
    else if (JSON.stringify(effect) !== JSON.stringify({ ...made, seq })) altered += 1;
  }
  return { lost, altered, doubled: effects.length - byMeasurement.size };
};
