import { describe, expect, it } from "vitest";
import { createLifescanUltra2Driver } from "../../drivers/serial/lifescan-ultra2.ts";
import {
  createLifescanUltra2,
  type LifescanUltra2,
  type Ultra2Options,
} from "../../hardware-sim/serial/lifescan-ultra2.ts";
import { minutes } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const start = (
  { memory, isOtherMeter, remembers }: MeterStart = {},
  more: Partial<Ultra2Options> = {},
): MeterBench<LifescanUltra2> =>
  createMeterBench(
    createLifescanUltra2Driver(),
    (given) =>
      createLifescanUltra2({
        ...given,
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { serial: "ABC123DEY" } : {}),
        ...more,
      }),
    remembers,
  );

meterContract({
  name: "Ultra 2",
  start: (options) => start(options),
  measure: (meter: LifescanUltra2, mgPerDl) => meter.measure({ mgPerDl }),
  clock: { canSet: true, shows: "seconds" },
  hasSerial: true,
  flippable: "any-bit",
  // DMZ erases.
  forbidden: /444d5a/,
});

describe("an Ultra 2", () => {
  it("tells meal, comment, unit and its number", async () => {
    const bench = start();
    bench.meter.measure({ mgPerDl: 105, meal: "before", comment: 2 });
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "glucose",
        status: "final",
        values: [{ mdc: 160188, value: 105, decimals: 0, unit: "mg/dL" }],
        quality: ["stored"],
        context: { meal: 8417868, comment: "too-much-food" },
        device: { serial: "GMF600DCY" },
        provenance: { driver: "lifescan-ultra2@1.0.0", source: "lifescan-ultra2" },
      },
    ]);
  });

  it("tells control solution, HI and LO apart from results", async () => {
    const bench = start();
    for (const mgPerDl of [19, 20, 600, 601]) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    bench.meter.measure({ mgPerDl: 110, control: true });
    bench.connect();
    await bench.until(() => bench.sink.taken.length === 5, "all are taken");
    expect(bench.sink.taken.map(({ values: [one] }) => (one?.value === null ? one.absent : one?.value))).toEqual([
      110,
      "positive-infinity",
      600,
      20,
      "negative-infinity",
    ]);
    expect(bench.sink.taken[0]).toMatchObject({
      values: [{ mdc: 160208 }],
      quality: ["stored", "test-data"],
      context: { location: 8417860 },
    });
  });

  it("is in mg/dL in its memory also where it shows mmol/L", async () => {
    const bench = start({}, { unit: "mmol/L" });
    bench.meter.measure({ mgPerDl: 105 });
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]?.values).toMatchObject([{ value: 105, unit: "mg/dL" }]);
  });

  it("is told from the maker's other meters, which speak alike", async () => {
    const bench = start({}, { serial: "GMF600DCT" });
    bench.meter.measure({ mgPerDl: 105 });
    bench.connect();
    await bench.clock.advance(minutes(2));
    expect(bench.sink.reports).toMatchObject([{ code: "unknown-sensor" }]);
    expect(bench.sink.taken).toEqual([]);
  });

  it("keeps a line that it has stored so and that nobody can read, and goes on", async () => {
    const bench = start();
    for (const mgPerDl of [100, 101, 102]) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    // The month of the record in the middle, with a checksum that is right for it: 06 to 19 adds 4.
    bench.spoil = (message) => {
      const text = Buffer.from(message).toString("latin1");
      if (!text.includes("  101 ")) return message;
      const sum = Number.parseInt(text.slice(-6, -2), 16) + 4;
      const line = text.replace('"06/', '"19/').slice(0, -6);
      return Buffer.from(`${line}${sum.toString(16).toUpperCase().padStart(4, "0")}\r\n`);
    };
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "the others are taken");
    await bench.until(() => bench.sink.unreadable.length === 1, "the line is kept");
    await bench.clock.advance(minutes(2));
    expect(bench.sink.unreadable).toMatchObject([{ reason: expect.stringMatching(/^range: .*month/) }]);
    expect(bench.sink.reports).toMatchObject([{ code: "malformed-data" }]);
    expect(bench.stored()).toHaveLength(2);
  });
});
