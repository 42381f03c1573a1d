import { describe, expect, it } from "vitest";
import { createContinuousGlucoseDriver } from "../../drivers/gatt/continuous-glucose.ts";
import { createGlucoseDriver } from "../../drivers/gatt/glucose.ts";
import { createCgmSensor } from "../../hardware-sim/gatt/cgm-sensor.ts";
import { createGlucoseMeter, type GlucoseValues } from "../../hardware-sim/gatt/glucose-meter.ts";
import type { RecordFaults } from "../../hardware-sim/gatt/record-faults.ts";
import type { StoredRecord } from "../../hardware-sim/gatt/record-memory.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { airBench } from "./air-bench.ts";

const SEEDS = [11, 23, 37, 41, 59, 67, 71, 83];
const STEPS = 10;
const MOST_AT_ONCE = 5;

const NONE: Partial<RecordFaults> = {
  dropAfterRecords: null,
  duplicateRecord: 0,
  outOfOrder: false,
  refuseAccess: 0,
  answersEarly: false,
};

/** What can go wrong with one connection. */
const TROUBLES: readonly Partial<RecordFaults>[] = [
  {},
  {},
  { dropAfterRecords: 1 },
  { dropAfterRecords: 3 },
  { duplicateRecord: 0.5 },
  { outOfOrder: true },
  { outOfOrder: true, dropAfterRecords: 2 },
  { refuseAccess: 2 },
  { answersEarly: true },
];

/** What the sensor had in memory when it was lost is lost with it; everything else has to arrive, once. */
const owed = (truth: readonly StoredRecord<unknown>[]): readonly StoredRecord<unknown>[] =>
  truth.filter(({ overwritten }) => !overwritten);

const blood = (mgPerDl: number, context: boolean): GlucoseValues => ({
  concentration: {
    value: { value: mgPerDl / 100_000, decimals: 5 },
    unit: "kg/L",
    type: "capillary-plasma",
    location: "finger",
  },
  ...(context ? { context: { meal: "before" as const } } : {}),
});

describe("memory of a sensor under trouble", () => {
  it.each(SEEDS)("of a glucose meter arrives whole, each record once with its context (seed %d)", async (seed) => {
    const dice = createChance(seed);
    const one = airBench((parts) => createGlucoseMeter(parts), createGlucoseDriver());
    let value = 50;
    for (let step = 0; step < STEPS; step++) {
      if (dice.happens(0.15)) one.sensor.resetSequence();
      for (let at = dice.whole(0, MOST_AT_ONCE); at > 0; at--) {
        await one.pass(minutes(1));
        value += 1;
        one.sensor.measure(blood(value, dice.happens(0.5)));
      }
      one.sensor.setFaults({ ...NONE, ...TROUBLES[dice.whole(0, TROUBLES.length - 1)] });
      await one.session(seconds(20));
    }
    one.sensor.setFaults(NONE);
    await one.session(seconds(20));
    await one.session(seconds(20));
    const delivered = one.delivered();
    const got = delivered.map(({ values }) => values[0]?.value);
    expect(new Set(got).size).toBe(got.length);
    for (const { valueHex, followingHex } of owed(one.sensor.truth)) {
      const raw = `${valueHex}${followingHex.join("")}`;
      expect(delivered.filter(({ provenance }) => provenance.rawHex === raw)).toHaveLength(1);
    }
    expect(delivered.flatMap(({ flags }) => flags)).toEqual([]);
    expect(one.sink.unreadable).toEqual([]);
    expect(one.sensor.erased).toEqual([]);
  });

  it.each(SEEDS)(
    "of a CGM arrives whole, each record once, across sessions and losses of the link (seed %d)",
    async (seed) => {
      const dice = createChance(seed);
      const one = airBench((parts) => createCgmSensor({ ...parts, together: 4 }), createContinuousGlucoseDriver());
      let glucose = 40;
      for (let step = 0; step < STEPS; step++) {
        if (dice.happens(0.1)) one.sensor.resetSequence();
        one.sensor.setFaults({ ...NONE, ...TROUBLES[dice.whole(0, TROUBLES.length - 1)] });
        const running = dice.happens(0.7) ? one.begin() : null;
        await one.pass(seconds(5));
        for (let at = dice.whole(0, MOST_AT_ONCE); at > 0; at--) {
          await one.pass(minutes(5));
          glucose += 1;
          one.sensor.measure({ glucose });
        }
        await one.pass(seconds(5));
        running?.stop.abort();
        await one.pass(seconds(5));
      }
      one.sensor.setFaults(NONE);
      const last = one.begin();
      await one.pass(seconds(20));
      last.stop.abort();
      await one.pass(seconds(5));
      const got = one.delivered().map(({ values }) => values[0]?.value);
      expect(new Set(got).size).toBe(got.length);
      const owedValues = owed(one.sensor.truth).map(({ values }) => (values as { glucose: number }).glucose);
      expect(owedValues.filter((wanted) => !got.includes(wanted))).toEqual([]);
      expect(one.sensor.erased).toEqual([]);
    },
  );
});
