import { describe, expect, it } from "vitest";
import { createVisomatDriver } from "../../drivers/serial/visomat.ts";
import { createVisomatCuff, type VisomatCuff } from "../../hardware-sim/serial/visomat-cuff.ts";
import { minutes } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const start = ({ memory, remembers }: MeterStart = {}): MeterBench<VisomatCuff> =>
  createMeterBench(
    createVisomatDriver(),
    (given) => createVisomatCuff({ ...given, ...(memory === undefined ? {} : { memory }) }),
    remembers,
  );

meterContract({
  name: "Visomat",
  start,
  measure: (meter: VisomatCuff, systolic) => meter.measure({ user: 1, systolic, diastolic: 82, pulse: 66 }),
  clock: null,
  hasSerial: false,
  flippable: "any-bit",
  // The only request: STX R00 ETX.
  forbidden: /^(?!0252303003$)/,
});

describe("a Visomat", () => {
  it("tells both users, its unknown digit, and times without a clock to compare them with", async () => {
    const bench = start();
    bench.meter.measure({ user: 2, systolic: 134, diastolic: 97, pulse: 83, mark: 1 });
    bench.meter.measure({ user: 1, systolic: 121, diastolic: 80, pulse: 72 });
    await bench.clock.advance(minutes(10));
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "both are taken");
    expect(bench.sink.taken).toMatchObject([
      { values: [{ mdc: 150021, value: 121 }, { value: 80 }, { mdc: 149546, value: 72 }], context: { userSlot: 1 } },
      {
        kind: "blood-pressure",
        values: [{ value: 134, unit: "mm[Hg]" }, { value: 97 }, { value: 83, unit: "/min" }],
        context: { userSlot: 2, mark: 1 },
        time: { start: null, faults: ["timeline-unknown"], deviceRaw: { text: "2026-06-15T14:00" } },
        provenance: { rawHex: Buffer.from("M20126061514001134097083").toString("hex") },
      },
    ]);
  });

  it("is believed only when it says the same twice", async () => {
    const bench = start();
    bench.meter.measure({ user: 1, systolic: 121, diastolic: 80, pulse: 72 });
    // A digit that turned into another one, once: no checksum shows it.
    bench.spoil = (message, number) =>
      number === 1 ? Buffer.from(Buffer.from(message).toString("latin1").replace("121080", "181080")) : message;
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]?.values[0]).toMatchObject({ value: 121 });
    expect(bench.sent).toBe(3);
  });
});
