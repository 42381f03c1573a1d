// Long: everything that a meter with a memory can do to a hub, over one simulated home that the cases share.
import { describe, expect, it } from "vitest";
import { createGlucoseDriver } from "../../drivers/gatt/glucose.ts";
import { deviceOfCatalogue } from "../../drivers/normalise/device.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import {
  createGlucoseMeter,
  type GlucoseMeter,
  type GlucoseMeterOptions,
  type GlucoseValues,
} from "../../hardware-sim/gatt/glucose-meter.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { channelId, hubId } from "../../protocol/ids.ts";
import type { ReadingValue } from "../../protocol/reading.ts";
import { epochMs, millis, minutes, seconds } from "../../protocol/time.ts";
import { enrolled } from "../serial/session-context.ts";
import { type AirBench, type AirBenchOptions, airBench } from "./air-bench.ts";

const bench = (
  options: Omit<GlucoseMeterOptions, "air" | "address" | "identity"> = {},
  more: AirBenchOptions = {},
): AirBench<GlucoseMeter> =>
  airBench((parts) => createGlucoseMeter({ ...parts, ...options }), createGlucoseDriver(), more);

const blood = (mgPerDl: number, more: Partial<GlucoseValues> = {}): GlucoseValues => ({
  concentration: {
    value: { value: mgPerDl / 100_000, decimals: 5 },
    unit: "kg/L",
    type: "capillary-whole-blood",
    location: "finger",
  },
  ...more,
});

const AFTER_MEAL = { meal: "after", tester: { by: "self", health: "no-issues" } } as const;

const valuesIn = (one: AirBench<GlucoseMeter>): readonly (number | null)[] =>
  one.delivered().map(({ values }) => values[0]?.value ?? null);

describe("glucose meter", () => {
  it("tells all of its memory the first time, with code, unit, place, meal, sequence and time", async () => {
    const one = bench();
    one.sensor.measure(blood(111, { context: AFTER_MEAL }));
    await one.pass(minutes(30));
    one.sensor.measure({
      concentration: {
        value: { value: 0.0062, decimals: 4 },
        unit: "mol/L",
        type: "venous-plasma",
        location: "earlobe",
      },
    });
    expect(await one.session()).toEqual({ readings: 2, reason: "complete" });
    expect(one.sink.taken).toMatchObject([
      {
        kind: "glucose",
        status: "final",
        values: [{ name: "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", value: 111, decimals: 0, unit: "mg/dL" }],
        context: { sequence: 1, location: 8417848, meal: 8417872, tester: "self", health: "no-issues" },
        flags: [],
        quality: ["stored"],
        time: { start: "2026-06-15T12:00:00.000Z", basis: "device-synced", deviceRaw: { text: "2026-06-15T14:00:00" } },
        device: { model: "Model", serial: "7", batteryPercent: 90 },
        provenance: { driver: "gatt-glucose@1.0.0", source: "2a18" },
      },
      {
        values: [{ name: "MDC_CONC_GLU_VENOUS_PLASMA", value: 6.2, decimals: 1, unit: "mmol/L" }],
        context: { sequence: 2, location: 8417856 },
        quality: [],
        time: { start: "2026-06-15T12:30:00.000Z" },
      },
    ]);
    const [first] = one.sensor.truth;
    expect(one.sink.taken[0]?.provenance.rawHex).toBe([first?.valueHex, ...(first?.followingHex ?? [])].join(""));
    expect(one.sensor.waiting).toBe(0);
    expect(one.sensor.erased).toEqual([]);
  });

  it("is asked only for what is new the next time, and nothing new is a success", async () => {
    const one = bench();
    for (const value of [101, 102, 103]) one.sensor.measure(blood(value));
    expect(await one.session()).toEqual({ readings: 3, reason: "complete" });
    // The last known record comes along, as the proof that the numbers are the same.
    expect(await one.session()).toEqual({ readings: 1, reason: "complete" });
    one.sensor.measure(blood(104));
    expect(await one.session()).toEqual({ readings: 2, reason: "complete" });
    expect(valuesIn(one)).toEqual([101, 102, 103, 104]);
    expect(one.sensor.truth.map(({ sent }) => sent)).toEqual([1, 1, 3, 1]);
  });

  it("reads everything of a meter whose memory is empty, and of one that then has its first", async () => {
    const one = bench();
    expect(await one.session()).toEqual({ readings: 0, reason: "complete" });
    one.sensor.measure(blood(95));
    expect(await one.session()).toEqual({ readings: 1, reason: "complete" });
  });

  it("loses nothing and delivers nothing twice when the link drops in the middle of a report", async () => {
    const one = bench({ faults: { dropAfterRecords: 3 } });
    for (let value = 1; value <= 8; value++) one.sensor.measure(blood(100 + value, { context: AFTER_MEAL }));
    expect((await one.session()).reason).toBe("disconnected");
    expect(valuesIn(one)).toEqual([101, 102, 103]);
    expect(one.memory.read("records")).toBeNull();
    one.sensor.setFaults({ dropAfterRecords: null });
    expect((await one.session()).reason).toBe("complete");
    expect(valuesIn(one)).toEqual([101, 102, 103, 104, 105, 106, 107, 108]);
    expect(one.delivered().every(({ flags }) => flags.length === 0)).toBe(true);
  });

  it("does not count on the order in which records come", async () => {
    const one = bench({ faults: { outOfOrder: true, duplicateRecord: 0.5 } });
    for (let value = 1; value <= 9; value++) one.sensor.measure(blood(100 + value, { context: AFTER_MEAL }));
    await one.session();
    expect(valuesIn(one).toSorted()).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109]);
    expect(JSON.parse(one.memory.read("records") ?? "")).toMatchObject({ sequence: 9 });
    expect(one.sink.unreadable).toEqual([]);
  });

  it("remembers nothing of a report in an order of chance that broke off, so that what did not come yet still does", async () => {
    const one = bench({ faults: { outOfOrder: true, dropAfterRecords: 4 } });
    for (let value = 1; value <= 9; value++) one.sensor.measure(blood(100 + value));
    expect((await one.session()).reason).toBe("disconnected");
    expect(valuesIn(one).toSorted()).not.toEqual([101, 102, 103, 104]);
    expect(one.memory.read("records")).toBeNull();
    one.sensor.setFaults({ dropAfterRecords: null });
    await one.session();
    expect(valuesIn(one).toSorted()).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109]);
  });

  it("still takes the record that the answer overtook", async () => {
    const one = bench({ faults: { answersEarly: true } });
    one.sensor.measure(blood(101));
    one.sensor.measure(blood(102, { context: AFTER_MEAL }));
    expect(await one.session()).toEqual({ readings: 2, reason: "complete" });
    expect(one.sink.taken[1]?.context).toMatchObject({ meal: 8417872 });
  });

  it("asks again when it is put off, as if subscribed not yet or at work for another", async () => {
    const one = bench({ faults: { refuseAccess: 3 } });
    one.sensor.measure(blood(101));
    expect(await one.session()).toEqual({ readings: 1, reason: "complete" });
  });

  it("gives up a meter that puts it off for ever, with the ATT error", async () => {
    const one = bench({ faults: { refuseAccess: 99 } });
    one.sensor.measure(blood(101));
    await expect(one.session()).rejects.toMatchObject({ code: "ble-att-error", context: { attError: 0x80 } });
  });

  it("ends after 30 s with a meter that takes the request and says nothing", async () => {
    const one = bench({ faults: { ignoresRequests: true }, afterwards: "stay" });
    one.sensor.measure(blood(101));
    expect(await one.session(seconds(40))).toEqual({ readings: 0, reason: "deadline" });
  });

  it("keeps what came from a meter that withholds its answer, and asks for all of it again", async () => {
    const one = bench({ faults: { withholdsAnswer: true }, afterwards: "stay" });
    one.sensor.measure(blood(101));
    expect(await one.session(seconds(40))).toEqual({ readings: 1, reason: "deadline" });
    expect(one.memory.read("records")).toBeNull();
  });

  it.each([
    ["fewer than before", 2],
    ["as many as before", 3],
    ["more than before", 6],
  ])("reads all again when the sequence began anew, and there are %s", async (_how, count) => {
    const one = bench();
    for (const value of [101, 102, 103]) one.sensor.measure(blood(value));
    await one.session();
    one.sensor.resetSequence();
    await one.pass(minutes(10));
    const after = Array.from({ length: count }, (_, at) => 201 + at);
    for (const value of after) one.sensor.measure(blood(value));
    expect((await one.session()).reason).toBe("complete");
    expect(valuesIn(one).toSorted()).toEqual([101, 102, 103, ...after]);
    expect((await one.session()).readings).toBe(1);
  });

  it("reads on where 16-bit sequence numbers begin again", async () => {
    const one = bench({ firstSequence: 65_533 });
    for (let value = 1; value <= 6; value++) one.sensor.measure(blood(100 + value));
    await one.session();
    expect(JSON.parse(one.memory.read("records") ?? "")).toMatchObject({ sequence: 2 });
    one.sensor.measure(blood(107));
    await one.session();
    expect(valuesIn(one)).toEqual([101, 102, 103, 104, 105, 106, 107]);
  });

  it("asks for everything near the wrap, where from-there-on would leave out what comes after it", async () => {
    const one = bench({ firstSequence: 65_534 });
    one.sensor.measure(blood(101));
    await one.session();
    for (const value of [102, 103, 104]) one.sensor.measure(blood(value));
    await one.session();
    expect(valuesIn(one)).toEqual([101, 102, 103, 104]);
  });

  it("is not misled by an answer that was left from another link", async () => {
    const one = bench({ faults: { earlyIndication: true } });
    for (const value of [101, 102]) one.sensor.measure(blood(value));
    expect(await one.session()).toEqual({ readings: 2, reason: "complete" });
  });

  it("keeps a record that it cannot read for the technician, and takes the others", async () => {
    const one = bench();
    for (const value of [101, 102, 103]) one.sensor.measure(blood(value));
    const [, spoilt] = one.sensor.truth;
    const [part] = spoilt?.parts ?? [];
    if (spoilt === undefined || part === undefined) throw new Error("no record");
    Object.assign(spoilt, { parts: [{ ...part, valueHex: part.valueHex.slice(0, 20) }] });
    expect(await one.session()).toEqual({ readings: 2, reason: "complete" });
    expect(valuesIn(one)).toEqual([101, 103]);
    expect(one.sink.unreadable).toMatchObject([
      { channel: "2a18", rawHex: part.valueHex.slice(0, 20), reason: expect.stringMatching(/^truncated: /) },
    ]);
    expect(one.sink.reports.map(({ code }) => code)).toEqual(["malformed-data"]);
  });

  it("remembers nothing of readings that the store refused", async () => {
    const one = bench();
    one.sensor.measure(blood(101));
    one.sink.beforeTake = () => Promise.reject(new Error("disk full"));
    await expect(one.session()).rejects.toThrow("disk full");
    expect(one.memory.read("records")).toBeNull();
    one.sink.beforeTake = async () => undefined;
    expect((await one.session()).readings).toBe(1);
  });

  it("reads a memory of 500 records in one go, many made durable at a time", async () => {
    const one = bench({ memory: 500, recordInterval: millis(8) });
    for (let at = 0; at < 500; at++) one.sensor.measure(blood(60 + at));
    let writes = 0;
    one.sink.beforeTake = async () => {
      writes += 1;
      await one.clock.sleep(millis(40), new AbortController().signal);
    };
    expect(await one.session(seconds(40))).toEqual({ readings: 500, reason: "complete" });
    expect(writes).toBeLessThan(20);
  });
});

describe("context of a glucose measurement", () => {
  const withContext = blood(120, { context: AFTER_MEAL });

  it("is waited for, and where it never comes the measurement goes without, flagged", async () => {
    // A meter that announces a context and has none to send.
    const one = bench();
    const record = one.sensor.measure(withContext);
    expect(record.parts).toHaveLength(2);
    (record as { parts: readonly unknown[] }).parts = record.parts.slice(0, 1);
    expect(await one.session()).toEqual({ readings: 1, reason: "complete" });
    expect(one.sink.taken[0]).toMatchObject({
      values: [{ value: 120 }],
      context: { sequence: 1 },
      flags: ["context-missing"],
      quality: ["questionable"],
    });
  });

  it("may come before its measurement", async () => {
    const one = bench();
    const record = one.sensor.measure(withContext);
    (record as { parts: readonly unknown[] }).parts = record.parts.toReversed();
    expect((await one.session()).readings).toBe(1);
    expect(one.sink.taken[0]).toMatchObject({ context: { meal: 8417872 }, flags: [] });
  });

  it("of no measurement is kept for the technician", async () => {
    const one = bench();
    const record = one.sensor.measure(withContext);
    (record as { parts: readonly unknown[] }).parts = record.parts.slice(1);
    expect((await one.session()).readings).toBe(0);
    expect(one.sink.unreadable).toMatchObject([{ channel: "2a34", reason: expect.stringContaining("no measurement") }]);
  });

  it("tells what was eaten, taken and done, without special values", async () => {
    const one = bench();
    one.sensor.measure(
      blood(120, {
        context: {
          carbohydrate: { of: "lunch", kilograms: { value: 0.045, decimals: 3 } },
          exercise: { seconds: 65535, percent: 60 },
          medication: { of: "rapid", amount: { value: 0.000004, decimals: 6 }, unit: "L" },
          hba1cPercent: "nan",
        },
      }),
    );
    await one.session();
    expect(one.sink.taken[0]?.context).toEqual({
      sequence: 1,
      location: 8417848,
      carbohydrate: "lunch",
      carbohydrateG: 45,
      exercisePercent: 60,
      medication: "rapid-acting",
      medicationMl: 0.004,
    });
  });

  it("says ketone on a CareSens, which is kept, never called glucose, and not read again", async () => {
    const one = bench({}, { sensor: { quirks: ["caresens-ketone"] } });
    one.sensor.measure(blood(110, { context: { meal: "fasting" } }));
    one.sensor.measure(blood(13, { context: { meal: 6 } }));
    expect(await one.session()).toEqual({ readings: 1, reason: "complete" });
    expect(valuesIn(one)).toEqual([110]);
    expect(one.sink.unreadable).toMatchObject([{ channel: "2a18", reason: expect.stringContaining("ketone") }]);
    expect(JSON.parse(one.memory.read("records") ?? "")).toMatchObject({ sequence: 2 });
  });

  it("withholds the value of a CareSens whose announced context does not come: it may be ketone", async () => {
    const one = bench({}, { sensor: { quirks: ["caresens-ketone"] } });
    const record = one.sensor.measure(blood(13, { context: { meal: 6 } }));
    (record as { parts: readonly unknown[] }).parts = record.parts.slice(0, 1);
    await one.session();
    expect(one.sink.taken[0]).toMatchObject({
      values: [{ value: null, absent: "unknown" }],
      flags: ["context-missing"],
    });
  });

  it("with a reserved meal makes the measurement questionable on any other meter", async () => {
    const one = bench();
    one.sensor.measure(blood(130, { context: { meal: 6 } }));
    await one.session();
    expect(one.sink.taken[0]).toMatchObject({ values: [{ value: 130 }], quality: ["questionable"] });
    expect(one.sink.taken[0]?.context).not.toHaveProperty("meal");
  });
});

describe("what a glucose meter says of itself", () => {
  const measured = async (values: GlucoseValues): Promise<AirBench<GlucoseMeter>> => {
    const one = bench();
    one.sensor.measure(values);
    await one.session();
    return one;
  };

  it("stands in the flags and puts the value in doubt, which stays", async () => {
    const one = await measured(blood(140, { status: ["battery-low", "sample-insufficient"] }));
    expect(one.sink.taken[0]).toMatchObject({
      values: [{ value: 140 }],
      flags: ["device-battery-low", "sample-insufficient"],
      quality: ["questionable"],
      context: { status: 0b101 },
    });
    const low = await measured(blood(140, { status: ["battery-low"] }));
    expect(low.sink.taken[0]?.quality).toEqual([]);
  });

  it.each([
    ["+inf", "positive-infinity", "result-too-high"],
    ["-inf", "negative-infinity", "result-too-low"],
    ["nan", "not-a-number", "sensor-malfunction"],
    ["nres", "error", "general-fault"],
  ] as const)("never makes a number of %s", async (special, absent, status) => {
    const one = await measured({
      concentration: { value: special, unit: "mol/L", type: "capillary-plasma", location: "finger" },
      status: [status],
    });
    expect(one.sink.taken[0]?.values).toEqual([
      { mdc: 160188, name: "MDC_CONC_GLU_CAPILLARY_PLASMA", value: null, absent } satisfies ReadingValue,
    ]);
  });

  it("without a concentration is a measurement that was not performed", async () => {
    const one = await measured({ status: ["strip-insertion-error"] });
    expect(one.sink.taken[0]).toMatchObject({
      status: "not-performed",
      values: [{ mdc: 160020, value: null, absent: "unknown" }],
      flags: ["strip-insertion"],
    });
  });

  it("of control solution is test data under its own code", async () => {
    const one = await measured({
      concentration: {
        value: { value: 0.00118, decimals: 5 },
        unit: "kg/L",
        type: "capillary-whole-blood",
        location: "control-solution",
      },
    });
    expect(one.sink.taken[0]).toMatchObject({
      values: [{ mdc: 160208, value: 118 }],
      quality: ["test-data"],
      context: { location: 8417860 },
    });
  });
});

describe("clock of a glucose meter", () => {
  it("that is off corrects its records, and is then set", async () => {
    const one = bench({ clock: { tag: "offset", by: millis(-7_200_000) } });
    one.sensor.measure(blood(101));
    await one.pass(minutes(5));
    expect((await one.session()).readings).toBe(1);
    const [reading] = one.sink.taken;
    expect(reading?.time).toMatchObject({ basis: "device-corrected", deviceRaw: { text: "2026-06-15T12:00:00" } });
    const error = Date.parse(reading?.time.start ?? "") - Date.parse("2026-06-15T12:00:00Z");
    expect(Math.abs(error)).toBeLessThanOrEqual(reading?.time.uncertaintyMs ?? 0);
    expect(one.sensor.clockText).toMatch(/^2026-06-15T14:05/);
    one.sensor.measure(blood(102));
    await one.session();
    expect(one.delivered()[1]?.time.deviceRaw?.text).toMatch(/^2026-06-15T14:05/);
    // The stored record is the same one, whatever the clock was set to since.
    expect(valuesIn(one)).toEqual([101, 102]);
  });

  it("that was lost leaves the time unknown where the offset is not known", async () => {
    const one = bench({ clockSetting: "none" });
    const record = one.sensor.measure(blood(101));
    const [part] = record.parts;
    if (part === undefined) throw new Error("no part");
    const overrun = part.valueHex.replace(/^(.{20}).{4}/, "$1ff7f");
    (record as { parts: readonly unknown[] }).parts = [{ ...part, valueHex: overrun }];
    await one.pass(minutes(10));
    await one.session();
    expect(one.sink.taken[0]?.time).toMatchObject({
      start: null,
      faults: ["timeline-unknown"],
      deviceRaw: { text: "2026-06-15T14:00:00" },
    });
  });

  it("that reports a time fault does not date its record", async () => {
    const one = bench();
    one.sensor.measure(blood(101, { status: ["time-fault"] }));
    await one.pass(minutes(10));
    await one.session();
    expect(one.sink.taken[0]).toMatchObject({ flags: ["time-fault"], quality: [], time: { start: null } });
  });

  it("that was never set gives readings without a date, which stay two", async () => {
    const one = bench({ clock: { tag: "none" } });
    one.sensor.measure(blood(101));
    one.sensor.measure(blood(101));
    await one.session();
    expect(one.delivered()).toHaveLength(2);
    expect(one.sink.taken[0]?.time).toMatchObject({ start: null, faults: ["incomplete-date"] });
  });

  it("does not date anything by a hub that does not know the time itself", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(0), state: "unset" });
    const one = bench({}, { clock });
    one.sensor.measure(blood(101));
    await one.session();
    expect(one.sink.taken[0]?.time).toMatchObject({ start: null, basis: "unknown" });
  });
});

describe("a payload recorded from an Accu-Chek Guide", () => {
  // innoveit/react-native-ble-manager issue 1162: its display said 6.2 mmol/L, which is 111 mg/dL.
  const PAYLOAD = "1b0f00e807011e053a1b53016fb0f80000";

  it("is read as its display had it", () => {
    const driver = createGlucoseDriver();
    const decoded = driver.decode(fromHex(PAYLOAD), channelId("2a18"));
    if (decoded.tag === "malformed") throw new Error(decoded.detail);
    const clock = createSimulatedClock({ startAt: epochMs(Date.UTC(2024, 0, 30, 10, 40)) });
    const { assignment, catalogue, ...sensor } = enrolled();
    const [reading] = driver.normalise(decoded.record, {
      assignment,
      hub: { id: hubId("hub-1"), version: "0.1.0" },
      device: deviceOfCatalogue({ ...sensor, assignment, catalogue }),
      address: "6c:30:2a:20:bd:63",
      driver,
      transport: "ble",
      source: "2a18",
      raw: fromHex(PAYLOAD),
      at: clock.stamp(),
      pair: null,
      counter: 0,
      zone: "Europe/Stockholm",
    });
    expect(reading).toMatchObject({
      values: [{ mdc: 160368, value: 111, decimals: 0, unit: "mg/dL" }],
      context: { sequence: 15, status: 0 },
      flags: ["context-missing"],
      // 05:58:27 and 339 minutes.
      time: { deviceRaw: { text: "2024-01-30T11:37:27" } },
    });
  });
});
