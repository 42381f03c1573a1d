import { describe, expect, it } from "vitest";
import { createBodyCompositionDriver } from "../../drivers/gatt/body-composition.ts";
import type { BodyCompositionValues } from "../../hardware-sim/gatt/body-composition.ts";
import {
  type BodyCompositionScale,
  createBodyCompositionScale,
} from "../../hardware-sim/gatt/body-composition-scale.ts";
import type { SensorOptions } from "../../hardware-sim/gatt/sensor-options.ts";
import { seconds } from "../../protocol/time.ts";
import { type AirBench, airBench } from "./air-bench.ts";

const bench = (options: Partial<SensorOptions> = {}): AirBench<BodyCompositionScale> =>
  airBench((parts) => createBodyCompositionScale({ ...parts, ...options }), createBodyCompositionDriver());

const WHOLE: BodyCompositionValues = {
  fatPercent: 18.2,
  user: 1,
  basalMetabolismKj: 6163,
  musclePercent: 41.9,
  softLeanMass: 47.6,
  waterMass: 34.5,
  impedanceOhm: 293.7,
  weight: 61.37,
  height: 1.7,
};

describe("body composition scale", () => {
  it("gives one reading of a measurement that takes two values, with the bytes of both", async () => {
    const one = bench();
    const record = one.sensor.measure(WHOLE);
    expect(record.followingHex).toHaveLength(1);
    expect((await one.session(seconds(20))).readings).toBe(1);
    expect(one.sink.taken).toMatchObject([
      {
        kind: "body-composition",
        status: "final",
        values: [
          { name: "MDC_BODY_FAT", value: 18.2, decimals: 1, unit: "%" },
          { name: "MDC_MASS_BODY_ACTUAL", value: 61.37, decimals: 3, unit: "kg" },
          { name: "MDC_LEN_BODY_ACTUAL", value: 1.7, decimals: 3, unit: "m" },
        ],
        context: {
          userSlot: 1,
          basalMetabolismKJ: 6163,
          musclePercent: 41.9,
          softLeanMass: 47.6,
          bodyWaterMass: 34.5,
          massUnit: "kg",
          impedanceOhm: 293.7,
        },
        flags: [],
        quality: [],
        time: { start: "2026-06-15T12:00:00.000Z", basis: "device-synced" },
        provenance: { rawHex: `${record.valueHex}${record.followingHex[0]}` },
      },
    ]);
    expect(one.sensor.waiting).toBe(0);
  });

  it("tells measurements of one value and of two apart, in order", async () => {
    const one = bench();
    one.sensor.measure({ fatPercent: 20.1, weight: 70 });
    one.sensor.measure(WHOLE);
    one.sensor.measure({ fatPercent: 20.3, weight: 71, user: 255 });
    await one.session(seconds(20));
    expect(one.sink.taken.map(({ values }) => values[0]?.value)).toEqual([20.1, 18.2, 20.3]);
    expect(one.sink.taken[2]?.quality).toEqual(["unconfirmed"]);
  });

  it("takes both values anew when the link broke between them", async () => {
    const one = bench({ faults: { dropMidIndication: 1 } });
    one.sensor.measure(WHOLE);
    expect((await one.session(seconds(20))).reason).toBe("disconnected");
    expect(one.sink.taken).toEqual([]);
    expect(one.sink.unreadable).toMatchObject([{ channel: "2a9c", reason: expect.stringContaining("second packet") }]);
    one.sensor.setFaults({ dropMidIndication: 0 });
    await one.session(seconds(20));
    expect(one.delivered()).toHaveLength(1);
    expect(one.delivered()[0]).toMatchObject({
      flags: [],
      values: [{ value: 18.2 }, { value: 61.37 }, { value: 1.7 }],
    });
  });

  it("repeats an indication without harm", async () => {
    const one = bench({ faults: { duplicateIndication: 1 } });
    one.sensor.measure(WHOLE);
    await one.session(seconds(20));
    expect(one.delivered()).toHaveLength(1);
  });

  it("gives the half that came, marked, when the other never does although the link stands", async () => {
    const one = bench({ afterwards: "stay" });
    const record = one.sensor.measure(WHOLE);
    Object.assign(record, { followingHex: [] });
    expect(await one.session(seconds(20))).toEqual({ readings: 1, reason: "complete" });
    expect(one.sink.taken[0]).toMatchObject({ flags: ["incomplete"], quality: ["questionable"] });
  });

  it("says that nothing was performed where the measurement was unsuccessful", async () => {
    const one = bench();
    one.sensor.measure({ fatPercent: null, user: 2 });
    await one.session(seconds(20));
    expect(one.sink.taken[0]).toMatchObject({
      status: "not-performed",
      values: [{ mdc: 188748, value: null, absent: "error" }],
      context: { userSlot: 2 },
    });
  });

  it("keeps pounds and inches as they are", async () => {
    const one = bench();
    one.sensor.measure({ fatPercent: 25, units: "imperial", weight: 154.3, height: 68.5 });
    await one.session(seconds(20));
    expect(one.sink.taken[0]?.values).toMatchObject([
      { value: 25 },
      { value: 154.3, decimals: 2, unit: "[lb_av]" },
      { value: 68.5, decimals: 1, unit: "[in_i]" },
    ]);
  });
});
