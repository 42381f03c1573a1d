import { describe, expect, it } from "vitest";
import { createOximeterStreamDriver, createPulseOximeterDriver } from "../../drivers/gatt/pulse-oximeter.ts";
import { createPulseOximeter, type PulseOximeter } from "../../hardware-sim/gatt/pulse-oximeter.ts";
import type { ContinuousOximetry } from "../../hardware-sim/gatt/pulse-oximetry.ts";
import type { RecordSensorOptions } from "../../hardware-sim/gatt/record-sensor.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { type AirBench, airBench } from "./air-bench.ts";

type Options = Omit<RecordSensorOptions, "air" | "address" | "identity">;

const spotBench = (options: Options = {}): AirBench<PulseOximeter> =>
  airBench((parts) => createPulseOximeter({ ...parts, ...options }), createPulseOximeterDriver());
const streamBench = (options: Options = {}): AirBench<PulseOximeter> =>
  airBench((parts) => createPulseOximeter({ ...parts, afterwards: "stay", ...options }), createOximeterStreamDriver());

const spo2In = (one: AirBench<PulseOximeter>): readonly (number | null)[] =>
  one.delivered().map(({ values }) => values[0]?.value ?? null);

describe("spot checks of an oximeter", () => {
  it("are taken from its memory and as they are made, each delivered once", async () => {
    const one = spotBench({ afterwards: "stay" });
    one.sensor.measure({ spo2: 95, pulse: 70, status: ["fully-qualified", "from-storage"] });
    await one.pass(minutes(20));
    const { ended } = one.begin();
    await one.pass(seconds(3));
    one.sensor.measure({ spo2: 97, pulse: 61, pulseAmplitudeIndex: { value: 4.2, decimals: 1 } });
    await one.pass(seconds(10));
    expect((await ended).reason).toBe("complete");
    expect(one.delivered()).toMatchObject([
      {
        kind: "pulse-oximetry",
        values: [
          { mdc: 150456, value: 95, unit: "%" },
          { mdc: 149530, value: 70, unit: "/min" },
        ],
        supplemental: [150588],
        quality: ["stored"],
        time: { start: "2026-06-15T12:00:00.000Z" },
      },
      { values: [{ value: 97 }, { value: 61 }, { mdc: 150320, value: 4.2, decimals: 1 }], quality: [] },
    ]);
    expect(one.sensor.erased).toEqual([]);
  });

  it("are all reported again each time, and recognised", async () => {
    const one = spotBench();
    one.sensor.measure({ spo2: 95, pulse: 70 });
    await one.pass(minutes(1));
    one.sensor.measure({ spo2: 96, pulse: 70 });
    await one.session(seconds(20));
    await one.session(seconds(20));
    expect(spo2In(one)).toEqual([95, 96]);
  });

  it("survive a link that drops in the middle of the report", async () => {
    const one = spotBench({ faults: { dropAfterRecords: 2 } });
    for (const spo2 of [91, 92, 93, 94]) {
      one.sensor.measure({ spo2, pulse: 70 });
      await one.pass(minutes(1));
    }
    expect((await one.session(seconds(20))).reason).toBe("disconnected");
    one.sensor.setFaults({ dropAfterRecords: null });
    await one.session(seconds(20));
    expect(spo2In(one)).toEqual([91, 92, 93, 94]);
  });

  it("that come before anybody asked are not lost", async () => {
    const one = spotBench({ faults: { earlyIndication: true } });
    one.sensor.measure({ spo2: 94, pulse: 71 });
    await one.session(seconds(20));
    expect(spo2In(one)).toEqual([94]);
  });

  it("without stamps are taken live only: from memory they would be new ones at each connection", async () => {
    const one = spotBench({ clock: { tag: "none" }, afterwards: "stay" });
    one.sensor.measure({ spo2: 95, pulse: 70 });
    const { ended } = one.begin();
    await one.pass(seconds(3));
    one.sensor.measure({ spo2: 96, pulse: 70 });
    await one.pass(seconds(10));
    expect(await ended).toEqual({ readings: 1, reason: "complete" });
    expect(one.sink.taken[0]).toMatchObject({ values: [{ value: 96 }, {}], time: { basis: "reception" } });
  });

  it("never make a number of a special value", async () => {
    const one = spotBench();
    one.sensor.measure({ spo2: "nan", pulse: "nres" });
    await one.session(seconds(20));
    expect(one.sink.taken[0]?.values).toMatchObject([
      { value: null, absent: "not-a-number" },
      { value: null, absent: "error" },
    ]);
  });

  it("show the corrected time where the oximeter's clock was off, and its clock is set", async () => {
    const one = spotBench({ clock: { tag: "offset", by: millis(-600_000) } });
    one.sensor.measure({ spo2: 95, pulse: 70 });
    await one.pass(minutes(5));
    await one.session(seconds(20));
    const { time } = one.sink.taken[0] ?? {};
    expect(time?.basis).toBe("device-corrected");
    expect(Math.abs(Date.parse(time?.start ?? "") - Date.parse("2026-06-15T12:00:00Z"))).toBeLessThan(2000);
    expect(one.sensor.clockText).toMatch(/^2026-06-15T14:05/);
  });
});

describe("stream of an oximeter", () => {
  const stream = async (one: AirBench<PulseOximeter>, count: number, values: ContinuousOximetry): Promise<void> => {
    for (let at = 0; at < count; at++) {
      one.sensor.stream(values);
      await one.pass(seconds(1));
    }
  };
  const started = async (one: AirBench<PulseOximeter>): Promise<ReturnType<typeof one.begin>> => {
    const running = one.begin();
    await one.pass(seconds(3));
    return running;
  };

  it("gives a reading when the values agree and then one every ten seconds, not one for each value", async () => {
    const one = streamBench();
    const { stop, ended } = await started(one);
    await stream(one, 60, { spo2: 96, pulse: 64 });
    stop.abort();
    await one.pass(seconds(1));
    expect(await ended).toEqual({ readings: 6, reason: "aborted" });
    expect(one.sink.taken[1]).toMatchObject({
      values: [{ value: 96 }, { value: 64 }],
      supplemental: [],
      status: "final",
      time: { basis: "reception" },
      provenance: { source: "2a5f" },
    });
    expect(one.delivered()).toHaveLength(6);
  });

  it("has a reading of its own for the fast and the slow average", async () => {
    const one = streamBench();
    const { stop } = await started(one);
    await stream(one, 3, {
      spo2: 96,
      pulse: 64,
      fast: { spo2: 95, pulse: 66 },
      slow: { spo2: 97, pulse: 63 },
    });
    expect(one.delivered().map(({ supplemental, values }) => [supplemental, values[0]?.value])).toEqual([
      [[], 96],
      [[150580], 95],
      [[150584], 97],
    ]);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("gives nothing while the finger is out or the value invalid, and begins afresh", async () => {
    const one = streamBench();
    const { stop } = await started(one);
    await stream(one, 20, { spo2: 127, pulse: 0, deviceStatus: ["sensor-unconnected"] });
    await stream(one, 20, { spo2: 96, pulse: 64, status: ["invalid"] });
    await stream(one, 20, { spo2: "nan", pulse: "nan" });
    expect(one.sink.taken).toEqual([]);
    await stream(one, 3, { spo2: 96, pulse: 64 });
    expect(one.sink.taken).toHaveLength(1);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("keeps at most twenty unreadable values an hour", async () => {
    const one = streamBench();
    const { stop } = await started(one);
    const { gatt } = one.sensor;
    expect(gatt.handlesOf("2a5f").value).toBeGreaterThan(0);
    for (let at = 0; at < 60; at++) {
      // Exponents with a bias of 8: not what was measured.
      one.sensor.stream({ spo2: { value: 0.00000096, decimals: 8 }, pulse: { value: 0.00000064, decimals: 8 } });
      await one.pass(seconds(1));
    }
    expect(one.sink.unreadable).toHaveLength(20);
    expect(one.sink.reports).toHaveLength(1);
    expect(one.sink.taken).toEqual([]);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("ends with the connection", async () => {
    const one = streamBench();
    const { ended } = await started(one);
    await stream(one, 5, { spo2: 96, pulse: 64 });
    one.sensor.setFaults({ absent: true });
    await one.pass(seconds(10));
    expect(await ended).toEqual({ readings: 1, reason: "disconnected" });
  });
});
