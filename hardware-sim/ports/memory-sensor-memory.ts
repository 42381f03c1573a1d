import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";

/** A sensor memory that ends with the process; `start` is what it remembers already. */
export const createMemorySensorMemory = (start: Readonly<Record<string, string>> = {}): SensorMemory => {
  const texts = new Map(Object.entries(start));
  return {
    read: (key) => texts.get(key) ?? null,
    write: async (key, text) => {
      texts.set(key, text);
    },
  };
};
