import type { Bench } from "./figure.ts";

/** A bench is loaded in its own process only. */
export interface BenchEntry {
  readonly name: string;
  load(): Promise<{ readonly bench: Bench }>;
}

/** In the order in which they run and are shown. */
export const benches: readonly BenchEntry[] = [
  { name: "decode-normalise", load: () => import("./decode-normalise.ts") },
  { name: "throughput", load: () => import("./throughput.ts") },
  { name: "latency", load: () => import("./latency.ts") },
  { name: "drain", load: () => import("./drain.ts") },
  { name: "start", load: () => import("./footprint/start.ts") },
  { name: "memory", load: () => import("./footprint/memory.ts") },
  { name: "card-wear", load: () => import("./footprint/card-wear.ts") },
  { name: "event-loop", load: () => import("./footprint/event-loop.ts") },
  { name: "loss", load: () => import("./footprint/loss.ts") },
];
