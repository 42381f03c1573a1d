import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaidocGlucoseDriver, createTaidocPressureDriver } from "../../drivers/serial/taidoc.ts";
import { taidocClock, taidocCommand, taidocRecordNumber } from "../../drivers/serial/taidoc-command.ts";
import {
  createTaidocMeter,
  type TaidocMeter,
  type TaidocMeterOptions,
} from "../../hardware-sim/serial/taidoc-meter.ts";
import type { TaidocResult } from "../../hardware-sim/serial/taidoc-records.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const ERASE = 0x52;
const MODEL = { glucose: "4277", pressure: "3128" } as const;

const start = (
  kind: keyof typeof MODEL,
  { memory, isOtherMeter, remembers }: MeterStart = {},
  more: Partial<TaidocMeterOptions> = {},
): MeterBench<TaidocMeter> =>
  createMeterBench(
    kind === "glucose" ? createTaidocGlucoseDriver() : createTaidocPressureDriver(),
    (given) =>
      createTaidocMeter({
        ...given,
        model: MODEL[kind],
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { serial: "4277213150009999" } : {}),
        ...more,
      }),
    remembers,
  );

const glucose = (mgPerDl: number, more: object = {}): TaidocResult => ({ tag: "glucose", test: { mgPerDl, ...more } });
const pressure = (systolic: number, more: object = {}): TaidocResult => ({
  tag: "blood-pressure",
  pressure: { systolic, diastolic: 82, pulse: 66, ...more },
});

const common = {
  clock: { canSet: true, shows: "minutes" },
  hasSerial: true,
  flippable: "any-bit",
  forbidden: /^5152/,
} as const;

meterContract({
  ...common,
  name: "TaiDoc glucose meter",
  start: (options) => start("glucose", options),
  measure: (meter: TaidocMeter, value) => meter.measure(glucose(value)),
});

meterContract({
  ...common,
  name: "TaiDoc cuff",
  start: (options) => start("pressure", options),
  measure: (meter: TaidocMeter, value) => meter.measure(pressure(value)),
});

/** Places in a stream where a meter could read the command to erase, whatever it lost before. */
const erasures = (stream: Uint8Array): number =>
  [...stream].filter((_, at) => stream[at] === 0x51 && stream[at + 1] === ERASE && stream[at + 6] === 0xa3).length;

describe("the command that erases a TaiDoc meter", () => {
  it("is none of those that the hub can say, with any date and any record", () => {
    const frames = fc.oneof(
      fc
        .constantFrom("model", "clock", "readingCount", "serialLater", "serialFormer")
        .map((one) => taidocCommand(one as "model")),
      fc.nat(0xffff).map((number) => taidocCommand("readingTime", taidocRecordNumber(number))),
      fc.nat(0xffff).map((number) => taidocCommand("readingValue", taidocRecordNumber(number))),
      fc
        .record({
          year: fc.integer({ min: 2000, max: 2127 }),
          month: fc.integer({ min: 1, max: 12 }),
          day: fc.integer({ min: 1, max: 31 }),
          hour: fc.integer({ min: 0, max: 23 }),
          minute: fc.integer({ min: 0, max: 59 }),
          second: fc.constant(0),
        })
        .map((local) => taidocCommand("setClock", taidocClock(local))),
    );
    fc.assert(
      fc.property(fc.array(frames, { minLength: 1, maxLength: 4 }), (said) => {
        for (const frame of said) expect(frame[1]).not.toBe(ERASE);
        expect(erasures(Uint8Array.from(said.flatMap((frame) => [...frame])))).toBe(0);
      }),
      { numRuns: 5000 },
    );
  });

  it("would be seen here: the check finds it", () => {
    expect(erasures(fromHex("5124000000 00a318 5152000000 00a346"))).toBe(1);
  });

  it("never goes over the line in a life of reading, setting, silence and noise", async () => {
    const bench = start("glucose", { memory: 20 });
    bench.meter.setClockError(minutes(7));
    bench.connect();
    for (let day = 0; day < 30; day++) {
      bench.meter.measure(glucose(100 + day));
      bench.isOn = day % 3 !== 0;
      bench.inject(fromHex("5152000000000000ff51"));
      await bench.clock.advance(minutes(2));
    }
    expect(bench.written.length).toBeGreaterThan(100);
    expect(erasures(Uint8Array.from(bench.written.flatMap((bytes) => [...bytes])))).toBe(0);
    for (const bytes of bench.written) expect(bytes[1]).not.toBe(ERASE);
    expect(bench.meter.violations).toEqual([]);
  });
});

describe("a TaiDoc glucose meter", () => {
  it("tells meal, control solution, HI and LO", async () => {
    const bench = start("glucose");
    const results = [
      glucose(105, { meal: "before" }),
      glucose(99, { meal: "after" }),
      glucose(110, { control: true }),
      glucose(601),
      glucose(19),
    ];
    for (const result of results) {
      bench.meter.measure(result);
      await bench.clock.advance(minutes(1));
    }
    bench.connect();
    await bench.until(() => bench.stored().length === 5, "all are taken");
    expect(bench.sink.taken.toReversed()).toMatchObject([
      { values: [{ mdc: 160020, value: 105, decimals: 0, unit: "mg/dL" }], context: { meal: 8417868 } },
      { values: [{ mdc: 160020, value: 99 }], context: { meal: 8417872 } },
      { values: [{ mdc: 160208, value: 110 }], quality: ["stored", "test-data"], context: { location: 8417860 } },
      { values: [{ mdc: 160020, absent: "positive-infinity" }] },
      { values: [{ mdc: 160020, absent: "negative-infinity" }] },
    ]);
    expect(bench.sink.taken[0]).toMatchObject({ device: { serial: "4277213150000001" } });
  });

  it("is read when its clock has answered, for a record is told only once, and in the end without", async () => {
    for (const lost of [3, 1000]) {
      const bench = start("glucose");
      bench.meter.measure(glucose(105));
      await bench.clock.advance(minutes(30));
      let left = lost;
      bench.spoil = (message) => {
        if (message[1] !== 0x23 || left === 0) return message;
        left -= 1;
        return null;
      };
      bench.connect();
      await bench.until(() => bench.stored().length === 1, "it is taken", seconds(40));
      expect(bench.stored()[0]?.time).toMatchObject(
        lost === 3
          ? { start: "2026-06-15T12:00:00.000Z", basis: "device-synced" }
          : { start: null, faults: ["timeline-unknown"] },
      );
    }
  });

  it("is read and not set by a hub that does not know the time itself", async () => {
    const bench = start("glucose");
    bench.clock.setWallClock(bench.clock.now(), "unset");
    bench.meter.setClockError(minutes(-60));
    bench.meter.measure(glucose(105));
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    await bench.clock.advance(minutes(5));
    expect(bench.meter.clockError).toBe(minutes(-60));
    expect(bench.stored()[0]?.time).toMatchObject({ start: null, deviceRaw: { text: "2026-06-15T13:00" } });
  });

  it("is visited at once when it says that it is ready", async () => {
    const bench = start("glucose");
    bench.isOn = false;
    bench.connect();
    await bench.clock.advance(minutes(1));
    bench.meter.measure(glucose(105));
    bench.isOn = true;
    bench.meter.announce();
    await bench.until(() => bench.stored().length === 1, "it is taken", seconds(2));
  });

  it("does not take a ketone or any other kind of result for glucose", async () => {
    const bench = start("glucose");
    bench.meter.measure(glucose(105));
    // Octet 4 of the value with the mark for ketone (Tidepool: 7, shifted by two).
    bench.spoil = (message) => {
      if (message[1] !== 0x26) return message;
      return message.with(5, 0x1c).with(7, ((message[7] ?? 0) + 0x1c) & 0xff);
    };
    bench.connect();
    await bench.until(() => bench.sink.unreadable.length === 1, "it is kept");
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.unreadable[0]?.rawHex).toMatch(/^5125.{12}5126.{12}$/);
    expect(bench.sink.reports).toMatchObject([{ code: "malformed-data" }]);
    // Nothing is tried for ever: what the meter has so, it keeps.
    await bench.clock.advance(minutes(10));
    expect(bench.sink.unreadable).toHaveLength(1);
  });

  it("takes two equal results of one minute for the one reading that they are", async () => {
    const bench = start("glucose");
    bench.meter.measure(glucose(105));
    bench.meter.measure(glucose(105));
    await bench.clock.advance(minutes(1));
    bench.meter.measure(glucose(106));
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "both are taken");
    await bench.clock.advance(minutes(1));
    expect(bench.stored()).toHaveLength(2);
  });

  it.each(["3128", "8201"])("is not one of model %s, which is reported and not read", async (model) => {
    const bench = start("glucose", {}, { model });
    bench.meter.measure(pressure(120));
    bench.connect();
    await bench.clock.advance(minutes(2));
    expect(bench.sink.reports).toMatchObject([{ code: "unknown-sensor", message: expect.stringContaining(model) }]);
    expect(bench.sink.taken).toEqual([]);
  });
});

describe("a TaiDoc cuff", () => {
  it("tells pressures, pulse and an irregular pulse", async () => {
    const bench = start("pressure");
    bench.meter.measure(pressure(124, { arrhythmia: true }));
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]).toMatchObject({
      kind: "blood-pressure",
      values: [
        { mdc: 150021, value: 124, unit: "mm[Hg]" },
        { mdc: 150022, value: 82 },
        { mdc: 149546, value: 66, unit: "/min" },
      ],
      flags: ["irregular-pulse"],
      quality: ["stored"],
      time: { deviceRaw: { text: "2026-06-15T14:00" }, uncertaintyMs: expect.any(Number) },
    });
  });

  it("has no word on which sources agree for a systolic above 255: it is kept and not read", async () => {
    const bench = start("pressure");
    bench.meter.measure(pressure(260));
    bench.connect();
    await bench.until(() => bench.sink.unreadable.length === 1, "it is kept");
    expect(bench.sink.taken).toEqual([]);
  });

  it("may tell its mean pressure where others have the upper half of the systolic", async () => {
    const bench = start("pressure");
    bench.meter.measure(pressure(124));
    bench.spoil = (message) =>
      message[1] === 0x26 ? message.with(3, 96).with(7, ((message[7] ?? 0) + 96) & 0xff) : message;
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]?.values).toMatchObject([{ value: 124 }, { value: 82 }, { value: 66 }]);
    expect(toHex(bench.written[0] ?? new Uint8Array(0))).toBe("512400000000a318");
  });
});
