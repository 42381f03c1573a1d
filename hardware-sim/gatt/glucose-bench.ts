import { seconds } from "../../protocol/time.ts";
import { createGlucoseMeter, type GlucoseMeterOptions, type GlucoseValues } from "./glucose-meter.ts";
import { recordBench } from "./record-bench.ts";

/** A capillary test of so many mg/dL. */
export const blood = (mgPerDl: number): GlucoseValues => ({
  concentration: {
    value: { value: mgPerDl / 100_000, decimals: 5 },
    unit: "kg/L",
    type: "capillary-whole-blood",
    location: "finger",
  },
});

/** Report of all records, and the answer at its end. */
export const ALL = "0101";
export const DONE = "2a52 06000101";

/** A glucose meter and a central. For tests. */
export const meterBench = (options: Omit<GlucoseMeterOptions, "air" | "address" | "identity" | "observe"> = {}) => {
  const bench = recordBench(createGlucoseMeter, options);
  const configure = async (): Promise<void> => {
    await bench.subscribe("2a18", "notify");
    await bench.subscribe("2a34", "notify");
    await bench.subscribe("2a52", "indicate");
  };
  return {
    ...bench,
    configure,
    ready: async (): Promise<void> => {
      bench.sensor.wake();
      await bench.central.connect();
      await configure();
    },
    ask: async (request: string): Promise<readonly string[]> => {
      await bench.write("2a52", request);
      await bench.pass(seconds(5));
      return bench.heard();
    },
    /** Sequence numbers of the measurements among what was heard, and the answers in full. */
    brief: (heard: readonly string[]): readonly (number | string)[] =>
      heard
        .filter((line) => !line.startsWith("2a34"))
        .map((line) => (line.startsWith("2a18") ? Number.parseInt(line.slice(7, 9), 16) : line)),
  };
};
