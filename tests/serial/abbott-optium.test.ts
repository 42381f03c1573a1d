import { describe, expect, it } from "vitest";
import { createAbbottOptiumDriver } from "../../drivers/serial/abbott-optium.ts";
import { type AbbottOptium, createAbbottOptium, type OptiumOptions } from "../../hardware-sim/serial/abbott-optium.ts";
import { minutes } from "../../protocol/time.ts";
import { createMeterBench, type MeterBench } from "./meter-bench.ts";
import { type MeterStart, meterContract } from "./meter-contract.ts";

const start = (
  { memory, isOtherMeter, remembers }: MeterStart = {},
  more: Partial<OptiumOptions> = {},
): MeterBench<AbbottOptium> =>
  createMeterBench(
    createAbbottOptiumDriver(),
    (given) =>
      createAbbottOptium({
        ...given,
        ...(memory === undefined ? {} : { memory }),
        ...(isOtherMeter === true ? { serial: "ZZZZ999-Z9999" } : {}),
        ...more,
      }),
    remembers,
  );

meterContract({
  name: "Optium",
  start: (options) => start(options),
  measure: (meter: AbbottOptium, mgPerDl) => meter.measure({ tag: "glucose", mgPerDl }),
  clock: { canSet: true, shows: "minutes" },
  hasSerial: true,
  flippable: "any-bit",
  // $colq, $xmem and $tim are all that the hub says.
  forbidden: /^(?!24636f6c710d0a$|24786d656d0d0a$|2474696d2c[0-9a-f]+0d0a$)/,
});

describe("an Optium", () => {
  it("tells HI, and keeps ketone, whose unit is not known, for the technician", async () => {
    const bench = start({}, { missesFirst: true });
    bench.meter.measure({ tag: "glucose", mgPerDl: 105 });
    await bench.clock.advance(minutes(1));
    bench.meter.measure({ tag: "high" });
    await bench.clock.advance(minutes(1));
    bench.meter.measure({ tag: "ketone", raw: 3 });
    bench.connect();
    await bench.until(() => bench.stored().length === 2, "both are taken");
    expect(bench.sink.taken).toMatchObject([
      { values: [{ mdc: 160020, absent: "positive-infinity" }] },
      { values: [{ mdc: 160020, value: 105, unit: "mg/dL" }], device: { serial: "XAKD267-A0245" } },
    ]);
    expect(bench.sink.unreadable).toMatchObject([{ reason: expect.stringMatching(/^unsupported: .*ketone/) }]);
    await bench.clock.advance(minutes(10));
    expect(bench.sink.unreadable).toHaveLength(1);
  });

  it("tells control solution and a lost time by its last octet", async () => {
    const bench = start();
    bench.meter.measure({ tag: "glucose", mgPerDl: 105 });
    bench.spoil = (message) => {
      const [before = "", after = ""] = Buffer.from(message).toString("latin1").split("G 0x00");
      if (after === "") return message;
      const text = `${before}G 0x03${after.split("0x")[0]}`;
      const sum = [...text].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xffff;
      return Buffer.from(`${text}0x${sum.toString(16).toUpperCase().padStart(4, "0")}  END\r\n`, "latin1");
    };
    bench.connect();
    await bench.until(() => bench.stored().length === 1, "it is taken");
    expect(bench.sink.taken[0]).toMatchObject({
      values: [{ mdc: 160208, value: 105 }],
      quality: ["stored", "test-data", "questionable"],
      flags: ["clock-not-set"],
    });
  });
});
