import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SessionEnd } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";
import { createBodyCompositionScale } from "../../hardware-sim/gatt/body-composition-scale.ts";
import { createCgmSensor } from "../../hardware-sim/gatt/cgm-sensor.ts";
import { createGlucoseMeter } from "../../hardware-sim/gatt/glucose-meter.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import type { BleRadio } from "../../protocol/ports/radio.ts";
import { clock, heard, never, radioOn, time } from "../radio/hub-side.ts";
import { startAdapter, type VirtualAdapter } from "../radio/virtual-home.ts";
import { createRecordingSink } from "../serial/recording-sink.ts";
import { sessionContext } from "../serial/session-context.ts";
import { until } from "../support/until.ts";

const ADDRESS = "c4:f3:12:53:f2:20";
const PARTS = {
  address: radioAddress(ADDRESS),
  identity: { manufacturer: "Maker", model: "Model", serial: "7", firmware: "1.0" },
};

let adapter: VirtualAdapter;
let radio: BleRadio;

beforeEach(async () => {
  adapter = await startAdapter();
  radio = radioOn(adapter.path);
  await radio.start(never);
});
afterEach(async () => {
  await radio[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

const hub = () => {
  const sink = createRecordingSink();
  const memory = createMemorySensorMemory();
  const session = async (driver: string, signal: AbortSignal = never): Promise<SessionEnd> => {
    await using link = await radio.connect(await heard(radio, (one) => one.address === ADDRESS), never);
    const context = { ...sessionContext({ ...clock, ...time }), memory };
    const end = await driverOf(driver)?.session(link, sink, context, signal);
    if (end === undefined) throw new Error(`no driver ${driver}`);
    return end;
  };
  return { sink, memory, session };
};

describe("services over the hub's radio, on a virtual adapter", () => {
  it("reads a glucose meter with contexts, through a drop in the middle of the report", {
    timeout: 30_000,
  }, async () => {
    await using meter = createGlucoseMeter({ ...PARTS, air: adapter.air, faults: { dropAfterRecords: 2 } });
    for (let at = 0; at < 5; at++) {
      meter.measure({
        concentration: {
          value: { value: 0.001 + at / 100_000, decimals: 5 },
          unit: "kg/L",
          type: "capillary-plasma",
          location: "finger",
        },
        context: { meal: "before" },
      });
    }
    const { sink, memory, session } = hub();
    expect((await session("gatt-glucose")).reason).toBe("disconnected");
    meter.setFaults({ dropAfterRecords: null });
    expect(await session("gatt-glucose")).toEqual({ readings: 5, reason: "complete" });
    const delivered = [...new Map(sink.taken.map((one) => [one.idem, one])).values()];
    expect(delivered.map(({ values }) => values[0]?.value)).toEqual([100, 101, 102, 103, 104]);
    expect(delivered.every(({ context }) => context.meal === 8417868)).toBe(true);
    expect(JSON.parse(memory.read("records") ?? "")).toMatchObject({ sequence: 5 });
    expect(meter.erased).toEqual([]);
  });

  it("joins the two indications of a body composition", { timeout: 30_000 }, async () => {
    await using scale = createBodyCompositionScale({ ...PARTS, air: adapter.air });
    scale.measure({
      fatPercent: 18.2,
      user: 1,
      basalMetabolismKj: 6163,
      musclePercent: 41.9,
      weight: 61.37,
      height: 1.7,
    });
    const { sink, session } = hub();
    expect((await session("gatt-body-composition")).readings).toBe(1);
    expect(sink.taken[0]?.values.map(({ value }) => value)).toEqual([18.2, 61.37, 1.7]);
  });

  it("reads the memory of a CGM with CRC and hears its stream", { timeout: 30_000 }, async () => {
    await using sensor = createCgmSensor({ ...PARTS, air: adapter.air });
    sensor.measure({ glucose: 101 });
    const { sink, session } = hub();
    const stop = new AbortController();
    const running = session("gatt-continuous-glucose", stop.signal);
    await until(() => sink.taken.length === 1, "its memory is read");
    await until(
      () => sensor.measure({ glucose: 102, trend: 1 }).sent > 0 || sink.taken.length > 1,
      "the stream is heard",
    );
    await until(() => sink.taken.some(({ values }) => values[0]?.value === 102), "a live record is taken");
    stop.abort();
    expect((await running).reason).toBe("aborted");
  });
});
