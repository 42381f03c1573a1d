import { describe, expect, it } from "vitest";
import { createContinuousGlucoseDriver } from "../../drivers/gatt/continuous-glucose.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { type CgmSensor, type CgmSensorOptions, createCgmSensor } from "../../hardware-sim/gatt/cgm-sensor.ts";
import { epochMs, millis, minutes, seconds } from "../../protocol/time.ts";
import { type AirBench, type AirBenchOptions, airBench } from "./air-bench.ts";

const bench = (
  options: Omit<CgmSensorOptions, "air" | "address" | "identity"> = {},
  more: AirBenchOptions = {},
): AirBench<CgmSensor> =>
  airBench((parts) => createCgmSensor({ ...parts, ...options }), createContinuousGlucoseDriver(), more);

const valuesIn = (one: AirBench<CgmSensor>): readonly (number | null)[] =>
  one.delivered().map(({ values }) => values[0]?.value ?? null);

/** `count` measurements, five minutes apart, from `first` on. */
const wear = async (one: AirBench<CgmSensor>, first: number, count: number): Promise<void> => {
  for (let at = 0; at < count; at++) {
    await one.pass(minutes(5));
    one.sensor.measure({ glucose: first + at });
  }
};

describe("continuous glucose sensor", () => {
  it("tells its memory first and then what it measures, each once, with type, trend and quality", async () => {
    const one = bench();
    await wear(one, 100, 2);
    const { stop, ended } = one.begin();
    await one.pass(seconds(10));
    await one.pass(minutes(5));
    one.sensor.measure({ glucose: 104, trend: { value: -1.5, decimals: 1 }, quality: 96 });
    await one.pass(seconds(2));
    stop.abort();
    await one.pass(seconds(1));
    expect(await ended).toEqual({ readings: 3, reason: "aborted" });
    expect(one.sink.taken).toMatchObject([
      {
        kind: "continuous-glucose",
        values: [{ name: "MDC_CONC_GLU_ISF", value: 100, decimals: 0, unit: "mg/dL" }],
        context: { timeOffsetMin: 5, location: 8417849, sessionRunTimeH: 336 },
        quality: ["stored"],
        time: {
          start: "2026-06-15T12:05:00.000Z",
          basis: "device-synced",
          deviceRaw: { text: "2026-06-15T14:05:00", offsetMin: 120 },
        },
      },
      { values: [{ value: 101 }], time: { start: "2026-06-15T12:10:00.000Z" } },
      {
        values: [{ value: 104 }, { name: "MDC_CGM_TREND", value: -1.5, decimals: 1, unit: "mg/dL/min" }],
        context: { timeOffsetMin: 15, qualityPercent: 96 },
        quality: [],
        time: { start: "2026-06-15T12:15:00.000Z" },
      },
    ]);
    expect(one.sensor.erased).toEqual([]);
  });

  it("stays connected for as long as it is worn, and fills in what it measured while it was away", async () => {
    const one = bench();
    const first = one.begin();
    await one.pass(seconds(10));
    await wear(one, 100, 30);
    one.sensor.setFaults({ absent: true });
    await one.pass(seconds(10));
    expect(await first.ended).toEqual({ readings: 30, reason: "disconnected" });
    await wear(one, 130, 3);
    one.sensor.setFaults({ absent: false });
    const second = one.begin();
    await one.pass(seconds(10));
    await wear(one, 133, 2);
    await one.pass(seconds(1));
    expect(valuesIn(one)).toEqual(Array.from({ length: 35 }, (_, at) => 100 + at));
    // The last one of before is the proof that the session is the same; nothing else comes twice.
    expect(one.sink.taken).toHaveLength(36);
    second.stop.abort();
    await one.pass(seconds(1));
  });

  it("loses nothing when the link drops in the middle of its memory", async () => {
    const one = bench({ faults: { dropAfterRecords: 4 } });
    await wear(one, 100, 10);
    expect((await one.session(seconds(5))).reason).toBe("disconnected");
    expect(valuesIn(one)).toEqual([100, 101, 102, 103]);
    one.sensor.setFaults({ dropAfterRecords: null });
    const { stop } = one.begin();
    await one.pass(seconds(5));
    expect(valuesIn(one)).toEqual(Array.from({ length: 10 }, (_, at) => 100 + at));
    stop.abort();
    await one.pass(seconds(1));
  });

  it("takes several records of one value", async () => {
    const one = bench({ together: 8 });
    await wear(one, 100, 20);
    const { stop } = one.begin();
    await one.pass(seconds(5));
    expect(valuesIn(one)).toEqual(Array.from({ length: 20 }, (_, at) => 100 + at));
    expect(new Set(one.sink.taken.map(({ provenance }) => provenance.rawHex)).size).toBeLessThan(10);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("reads the whole memory of another session", async () => {
    const one = bench();
    const first = one.begin();
    await one.pass(seconds(10));
    await wear(one, 100, 4);
    await one.pass(seconds(1));
    first.stop.abort();
    await one.pass(seconds(1));
    one.sensor.resetSequence();
    await wear(one, 200, 6);
    const second = one.begin();
    await one.pass(seconds(10));
    expect(valuesIn(one)).toEqual([100, 101, 102, 103, 200, 201, 202, 203, 204, 205]);
    second.stop.abort();
    await one.pass(seconds(1));
  });

  it("notices a session that begins while it is connected, and dates its records by the new start", async () => {
    const one = bench();
    const { stop } = one.begin();
    await one.pass(seconds(10));
    await wear(one, 100, 4);
    one.sensor.resetSequence();
    await wear(one, 200, 2);
    await one.pass(seconds(5));
    expect(valuesIn(one)).toEqual([100, 101, 102, 103, 200, 201]);
    expect(one.delivered().at(-1)?.time).toMatchObject({ start: "2026-06-15T12:30:10.000Z", faults: [] });
    stop.abort();
    await one.pass(seconds(1));
  });

  it("asks again when it is put off, with the errors of its own service", async () => {
    const one = bench({ faults: { refuseAccess: 2 } });
    await wear(one, 100, 3);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    expect(valuesIn(one)).toEqual([100, 101, 102]);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("goes on with the stream when its memory does not answer", async () => {
    const one = bench({ faults: { ignoresRequests: true } });
    const { stop } = one.begin();
    await one.pass(seconds(40));
    await wear(one, 100, 2);
    await one.pass(seconds(1));
    expect(valuesIn(one)).toEqual([100, 101]);
    expect(one.memory.read("records")).toBeNull();
    stop.abort();
    await one.pass(seconds(1));
  });

  it("reads a memory of a thousand records in one report", async () => {
    const one = bench({ recordInterval: millis(8), crc: false, together: 4 });
    await wear(one, 40, 1000);
    const { stop } = one.begin();
    await one.pass(seconds(20));
    expect(one.delivered()).toHaveLength(1000);
    stop.abort();
    await one.pass(seconds(1));
  });
});

describe("CRC of a continuous glucose sensor", () => {
  it("that does not match, or is missing though the sensor says it sends it, keeps the bytes and no reading", async () => {
    const one = bench();
    await wear(one, 100, 3);
    const [first, second] = one.sensor.truth;
    const spoil = (record: typeof first, change: (hex: string) => string): void => {
      const [part] = record?.parts ?? [];
      if (record === undefined || part === undefined) throw new Error("no record");
      const valueHex = change(part.valueHex);
      Object.assign(record, { valueHex, parts: [{ ...part, valueHex }] });
    };
    spoil(first, (hex) => `${hex.slice(0, -4)}0000`);
    // Size 6 instead of 8, and no CRC.
    spoil(second, (hex) => `06${hex.slice(2, -4)}`);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    expect(valuesIn(one)).toEqual([102]);
    expect(one.sink.unreadable.map(({ reason }) => reason.split(":")[0])).toEqual(["crc", "crc"]);
    expect(one.sink.reports.map(({ code }) => code)).toEqual(["malformed-data"]);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("is not asked of a sensor without", async () => {
    const one = bench({ crc: false });
    await wear(one, 100, 2);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    expect(valuesIn(one)).toEqual([100, 101]);
    stop.abort();
    await one.pass(seconds(1));
  });
});

describe("clock of a continuous glucose sensor", () => {
  it("that was set wrong is put right by the minutes that it counts, and left as it is", async () => {
    const one = bench({ clock: { tag: "offset", by: millis(-3 * 3_600_000) } });
    const before = one.sensor.session.start;
    await wear(one, 100, 6);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    const [reading] = one.sink.taken;
    expect(reading?.time).toMatchObject({
      basis: "device-corrected",
      deviceRaw: { text: "2026-06-15T11:05:00", offsetMin: 120 },
    });
    const error = Date.parse(reading?.time.start ?? "") - Date.parse("2026-06-15T12:05:00Z");
    expect(Math.abs(error)).toBeLessThanOrEqual(reading?.time.uncertaintyMs ?? 0);
    expect(reading?.time.uncertaintyMs).toBeLessThan(62_000);
    expect(one.sensor.session.start).toEqual(before);
    stop.abort();
    await one.pass(seconds(1));
  });

  it.each([true, false])("that nobody has set is set, with CRC %s, and dates the whole session", async (crc) => {
    const one = bench({ clock: { tag: "none" }, crc });
    await wear(one, 100, 6);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    expect(one.sensor.session.start).toMatchObject({ zoneQuarters: 4, dstOffset: 4 });
    expect(one.sink.taken).toHaveLength(6);
    const start = Date.parse(one.sink.taken[0]?.time.start ?? "");
    expect(Math.abs(start - Date.parse("2026-06-15T12:05:00Z"))).toBeLessThan(61_000);
    stop.abort();
    await one.pass(seconds(1));
    // The start stays, and with it the identity of the records.
    const again = one.begin();
    await one.pass(seconds(10));
    expect(one.delivered()).toHaveLength(6);
    again.stop.abort();
    await one.pass(seconds(1));
  });

  it("that nobody has set stays so by a hub that does not know the time, and the records say it", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(0), state: "unset" });
    const one = bench({ clock: { tag: "none" } }, { clock });
    await wear(one, 100, 1);
    const { stop } = one.begin();
    await one.pass(seconds(10));
    expect(one.sensor.session.start).toBeNull();
    expect(one.sink.taken[0]?.time).toMatchObject({
      start: null,
      faults: ["incomplete-date"],
      deviceRaw: { text: "0000-00-00T00:00:00" },
    });
    stop.abort();
    await one.pass(seconds(1));
  });
});

describe("what a continuous glucose sensor says of itself", () => {
  it("stands in the flags, and in the quality where it touches the value", async () => {
    const one = bench();
    const { stop } = one.begin();
    await one.pass(seconds(10));
    await one.pass(minutes(5));
    one.sensor.measure({ glucose: 55, warnings: ["below-hypo"], calibration: ["calibration-not-allowed"] });
    one.sensor.measure({ glucose: 56, calibration: ["calibration-required"], status: ["battery-low"] });
    one.sensor.measure({ glucose: 57, status: ["sensor-malfunction"] });
    one.sensor.measure({ glucose: "nan" });
    await one.pass(seconds(1));
    expect(one.sink.taken.map(({ flags, quality }) => [flags, quality])).toEqual([
      [["calibration-not-allowed", "below-hypo"], []],
      [["device-battery-low", "calibration-required"], ["calibrating"]],
      [["sensor-malfunction"], ["questionable"]],
      [[], []],
    ]);
    expect(one.sink.taken.at(-1)?.values).toEqual([
      { mdc: 160212, name: "MDC_CONC_GLU_ISF", value: null, absent: "not-a-number" },
    ]);
    stop.abort();
    await one.pass(seconds(1));
  });
});
