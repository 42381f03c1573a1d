import { describe, expect, it } from "vitest";
import { driverOf } from "../../drivers/registry.ts";
import { minutes } from "../../protocol/time.ts";
import { createMeterBench } from "./meter-bench.ts";
import { PLAYED_METERS, type PlayedMeter } from "./played-meters.ts";

/** A cuff of this maker shows the glucose driver another kind of meter, and the other way round: each knows and says so. */
const SAME_MAKER = new Set(["taidoc-glucose", "taidoc-pressure"]);

describe.each(Object.keys(PLAYED_METERS))("a port with the catalogue entry of %s", (id) => {
  it.each(Object.keys(PLAYED_METERS).filter((other) => other !== id))(
    "with a meter of %s on it brings no reading, does it no harm, and is reported once if at all",
    async (other) => {
      const driver = driverOf(id);
      const create = PLAYED_METERS[other];
      if (driver === undefined || create === undefined) throw new Error(`no driver ${id} or meter ${other}`);
      const bench = createMeterBench(driver, (given) => {
        const played: PlayedMeter = create(given);
        for (const value of [101, 102, 103]) played.measure(value);
        return played.meter;
      });
      const before = bench.meter.measurements.length;
      bench.connect();
      await bench.clock.advance(minutes(5));
      expect(bench.sink.taken).toEqual([]);
      expect(bench.meter.violations).toEqual([]);
      expect(bench.meter.measurements).toHaveLength(before);
      expect(bench.meter.clockError).toBe(0);
      expect(bench.sink.reports.length).toBeLessThanOrEqual(1);
      if (SAME_MAKER.has(id) && SAME_MAKER.has(other)) {
        expect(bench.sink.reports).toMatchObject([{ code: "unknown-sensor" }]);
      }
    },
  );
});
