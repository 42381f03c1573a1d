import { describe, expect, it } from "vitest";
import { createContourDriver } from "../../drivers/serial/contour.ts";
import { type ContourMeter, type ContourOptions, createContourMeter } from "../../hardware-sim/serial/contour-meter.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const ACK = 0x06;
const NAK = 0x15;

const start = (
  { memory, isOtherMeter, remembers }: MeterStart = {},
  more: Partial<ContourOptions> = {},
): MeterBench<ContourMeter> =>
  createMeterBench(
    createContourDriver(),
    (given) =>
      createContourMeter({
        ...given,
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { product: "Bayer7390^01.24\\01.04\\09.02.20^7390-9999999^7403-" } : {}),
        ...more,
      }),
    remembers,
  );

meterContract({
  name: "Contour",
  start: (options) => start(options),
  measure: (meter: ContourMeter, mgPerDl) => meter.measure({ mgPerDl }),
  clock: { canSet: true, shows: "minutes" },
  hasSerial: true,
  flippable: "any-bit",
  // The only words that the hub has: control characters, W, D, T and digits.
  forbidden: /^(?!0[456]$|15$|577c$|447c$|547c$|(3\d){4}7c0d$|(3\d){6}7c0d$)/,
});

describe("a Contour", () => {
  it("tells plasma, meal, marks, control solution, HI and LO", async () => {
    const bench = start();
    bench.meter.measure({ mgPerDl: 133, meal: "before" });
    bench.meter.measure({ mgPerDl: 110, control: true });
    bench.meter.measure({ mgPerDl: 600, range: "above" });
    bench.meter.measure({ mgPerDl: 10, range: "below" });
    bench.connect();
    await bench.until(() => bench.stored().length === 4, "all are taken");
    expect(bench.sink.taken).toMatchObject([
      { values: [{ mdc: 160368, value: 133, decimals: 0, unit: "mg/dL" }], context: { meal: 8417868, marks: "B" } },
      { values: [{ mdc: 160208, value: 110 }], quality: ["stored", "test-data"], context: { location: 8417860 } },
      { values: [{ mdc: 160368, absent: "positive-infinity" }] },
      { values: [{ mdc: 160368, absent: "negative-infinity" }] },
    ]);
    expect(bench.sink.taken[0]).toMatchObject({ device: { serial: "7390-2336773" } });
  });

  it("is in the unit that it shows, with its precision", async () => {
    const bench = start({}, { unit: "mmol/L" });
    bench.meter.measure({ mgPerDl: 126, mmolTenths: 70 });
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]?.values).toMatchObject([{ value: 7, decimals: 1, unit: "mmol/L" }]);
  });

  it("is read at once when it bids for the line", async () => {
    const bench = start();
    bench.isOn = false;
    bench.connect();
    await bench.clock.advance(seconds(61));
    bench.meter.measure({ mgPerDl: 133 });
    bench.isOn = true;
    bench.meter.start();
    await bench.until(() => bench.stored().length === 1, "it is taken", seconds(3));
  });

  it("sends a spoiled frame again after NAK, and is acknowledged frame by frame", async () => {
    const bench = start();
    for (const mgPerDl of [101, 102, 103]) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    let spoiled = 0;
    bench.spoil = (message) => {
      if (spoiled > 2 || !Buffer.from(message).includes("|102|")) return message;
      spoiled += 1;
      return message.with(8, (message[8] ?? 0) ^ 0x04);
    };
    bench.connect();
    await bench.until(() => bench.stored().length === 3, "all are taken");
    const answers = bench.written.filter(({ length }) => length === 1).map(([octet]) => octet);
    expect(answers.filter((octet) => octet === NAK)).toHaveLength(3);
    // Bid, header, patient, three results and the end.
    expect(answers.filter((octet) => octet === ACK)).toHaveLength(7);
    expect(bench.sink.reports).toEqual([]);
  });

  it("is given up for now after six attempts at a frame, and what came before is taken", async () => {
    const bench = start();
    for (const mgPerDl of [101, 102, 103]) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    let isBad = true;
    bench.spoil = (message) =>
      isBad && Buffer.from(message).includes("|103|") ? message.with(8, (message[8] ?? 0) ^ 0x04) : message;
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "the first two are taken");
    await bench.clock.advance(minutes(2));
    expect(bench.stored()).toHaveLength(2);
    isBad = false;
    await bench.until(() => bench.stored().length === 3, "the third is taken");
    expect(bench.sink.taken).toHaveLength(3);
  });

  it("does not lose a result when an acknowledgement is lost", async () => {
    const bench = start();
    for (let mgPerDl = 100; mgPerDl < 112; mgPerDl++) {
      bench.meter.measure({ mgPerDl });
      await bench.clock.advance(minutes(1));
    }
    const { receive } = bench.meter;
    let heard = 0;
    bench.meter.receive = (bytes) => {
      heard += 1;
      if (heard % 5 !== 0) receive(bytes);
    };
    bench.connect();
    await bench.until(() => bench.stored().length === 12, "all are taken", minutes(10));
    expect(bench.sink.taken).toHaveLength(12);
  });

  it("is told from other senders of ASTM", async () => {
    const bench = start({}, { product: "Analyzer" });
    bench.meter.measure({ mgPerDl: 133 });
    bench.connect();
    await bench.clock.advance(minutes(1));
    expect(bench.sink.reports).toMatchObject([{ code: "unknown-sensor" }]);
    expect(bench.sink.taken).toEqual([]);
  });
});
