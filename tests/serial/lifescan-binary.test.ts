import { describe, expect, it } from "vitest";
import { createLifescanUltraEasyDriver } from "../../drivers/serial/lifescan-ultra-easy.ts";
import { createLifescanVerioDriver } from "../../drivers/serial/lifescan-verio.ts";
import { createLifescanUltraEasy, type LifescanUltraEasy } from "../../hardware-sim/serial/lifescan-ultra-easy.ts";
import { createLifescanVerio, type LifescanVerio } from "../../hardware-sim/serial/lifescan-verio.ts";
import { minutes } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const startUltraEasy = ({ memory, isOtherMeter, remembers }: MeterStart = {}): MeterBench<LifescanUltraEasy> =>
  createMeterBench(
    createLifescanUltraEasyDriver(),
    (given) =>
      createLifescanUltraEasy({
        ...given,
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { serial: "C999ZZ9ZZ" } : {}),
      }),
    remembers,
  );

const startVerio = ({ memory, isOtherMeter, remembers }: MeterStart = {}): MeterBench<LifescanVerio> =>
  createMeterBench(
    createLifescanVerioDriver(),
    (given) =>
      createLifescanVerio({
        ...given,
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { serial: "ZZZZZZZZ" } : {}),
      }),
    remembers,
  );

meterContract({
  name: "UltraEasy",
  start: startUltraEasy,
  measure: (meter: LifescanUltraEasy, mgPerDl) => meter.measure({ mgPerDl }),
  clock: { canSet: true, shows: "seconds" },
  hasSerial: true,
  flippable: "any-bit",
  // STX, length, link control, 05 1A erases.
  forbidden: /^02....051a/,
});

meterContract({
  name: "Verio IQ",
  start: startVerio,
  measure: (meter: LifescanVerio, mgPerDl) => meter.measure({ mgPerDl }),
  clock: { canSet: true, shows: "seconds" },
  hasSerial: true,
  flippable: "any-bit",
  forbidden: /^02....0[34]1a/,
});

describe("an UltraEasy", () => {
  it("has its own words for LO and HI", async () => {
    const bench = startUltraEasy();
    for (const mgPerDl of [0xfffe, 0xffff, 105]) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    bench.connect();
    await bench.until(() => bench.stored().length === 3, "all are taken");
    expect(bench.sink.taken.map(({ values: [one] }) => (one?.value === null ? one.absent : one?.value))).toEqual([
      105,
      "positive-infinity",
      "negative-infinity",
    ]);
    expect(bench.sink.taken[0]).toMatchObject({ device: { serial: "C176SA0QV" } });
  });
});

describe("a Verio IQ", () => {
  it("tells meal, control solution, HI and LO", async () => {
    const bench = startVerio();
    bench.meter.measure({ mgPerDl: 105, meal: "after" });
    await bench.clock.advance(minutes(1));
    bench.meter.measure({ mgPerDl: 120, control: true });
    await bench.clock.advance(minutes(1));
    bench.meter.measure({ mgPerDl: 612 });
    await bench.clock.advance(minutes(1));
    bench.meter.measure({ mgPerDl: 12 });
    bench.connect();
    await bench.until(() => bench.stored().length === 4, "all are taken");
    expect(bench.sink.taken).toMatchObject([
      { values: [{ absent: "negative-infinity" }] },
      { values: [{ absent: "positive-infinity" }] },
      { values: [{ mdc: 160208, value: 120 }], quality: ["stored", "test-data"], context: { location: 8417860 } },
      { values: [{ mdc: 160188, value: 105, unit: "mg/dL" }], context: { meal: 8417872 } },
    ]);
  });

  it("is read as a whole where its times say that the first record is not the newest", async () => {
    const bench = startVerio();
    bench.meter.measure({ mgPerDl: 101 });
    await bench.clock.advance(minutes(1));
    // Its clock was lost: the next record is on an older date.
    bench.meter.setClockError(minutes(-100_000));
    bench.meter.measure({ mgPerDl: 102 });
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "both are taken");
    await bench.clock.advance(minutes(1));
    bench.meter.setClockError(minutes(-100_000));
    bench.meter.measure({ mgPerDl: 103 });
    await bench.until(() => bench.stored().length === 3, "the third is taken");
    expect(bench.sink.reports).toEqual([]);
  });
});
