import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { ClockPair, EndedTimeline } from "../driver.ts";

const KEY = "ended-clocks";
/** A week of a sensor that has to be set every day; 8 x about 90 characters are within the 1 kB of a text. */
const MOST = 8;

const isTimeline = (value: unknown): value is EndedTimeline => {
  const { device, utcMs, uncertaintyMs } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof device === "string" && Number.isFinite(utcMs) && (uncertaintyMs === null || Number.isFinite(uncertaintyMs))
  );
};

const parse = (text: string | null): readonly EndedTimeline[] => {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) && value.every(isTimeline) ? value : [];
  } catch {
    // Ours, but of another version: forgetting it costs no reading.
    return [];
  }
};

const endOf = ({ device, hub, uncertaintyMs }: ClockPair): EndedTimeline | null =>
  hub.utc === null
    ? null
    : {
        device,
        utcMs: Math.round(hub.utc),
        uncertaintyMs: hub.hubClock.errorMs === null ? null : Math.ceil(uncertaintyMs + hub.hubClock.errorMs),
      };

/** The timelines of a sensor's clock that the hub ended, oldest first. */
export const endedTimelines = (
  memory: SensorMemory | undefined,
): { known(): readonly EndedTimeline[]; end(pair: ClockPair | null): Promise<void> } => ({
  known: () => parse(memory?.read(KEY) ?? null),
  /** Durable when it resolves. */
  end: async (pair) => {
    const ended = pair === null ? null : endOf(pair);
    if (ended === null) return;
    await memory?.write(KEY, JSON.stringify([...parse(memory.read(KEY)), ended].slice(-MOST)));
  },
});

/** The pair with the timelines that ended before it. */
export const withEnded = (pair: ClockPair | null, ended: readonly EndedTimeline[]): ClockPair | null =>
  pair === null || ended.length === 0 ? pair : { ...pair, ended };
