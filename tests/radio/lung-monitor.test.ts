import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SessionContext, SessionEnd } from "../../drivers/driver.ts";
import { createVitalographBleDriver } from "../../drivers/gatt/vitalograph.ts";
import { type BleLungMonitor, createBleLungMonitor } from "../../hardware-sim/gatt/lung-monitor.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import type { LungBlow } from "../../hardware-sim/serial/vitalograph-frames.ts";
import type { BleRadio } from "../../protocol/ports/radio.ts";
import { createRecordingSink, type RecordingSink } from "../serial/recording-sink.ts";
import { sessionContext } from "../serial/session-context.ts";
import { until } from "../support/until.ts";
import { clock, heard, never, radioOn, time } from "./hub-side.ts";
import { startAdapter, type VirtualAdapter } from "./virtual-home.ts";

const ADDRESS = "00:80:25:d8:5a:5b";
const BLOWS: readonly LungBlow[] = [
  { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 },
  { pef: 340, fev075: 290, fev1: 330, fev6: 425, fef2575: 281 },
  { pef: 301, fev075: 250, fev1: 290, fev6: 400, fef2575: 240, good: false },
];

let adapter: VirtualAdapter;
let radio: BleRadio;
let monitor: BleLungMonitor;
let sink: RecordingSink;

const context = (): SessionContext => ({
  ...sessionContext({ ...clock, stamp: time.stamp }, { manufacturer: "Vitalograph", model: "lung monitor" }),
  zone: "Europe/Stockholm",
});

/** One session of the hub, until the link ends. */
const session = async (): Promise<SessionEnd> => {
  const advertisement = await heard(radio, (one) => one.address === ADDRESS);
  await using link = await radio.connect(advertisement, never);
  return await createVitalographBleDriver().session(link, sink, context(), never);
};

beforeEach(async () => {
  adapter = await startAdapter();
  radio = radioOn(adapter.path);
  await radio.start(never);
  sink = createRecordingSink();
  monitor = createBleLungMonitor({
    air: adapter.air,
    address: radioAddress(ADDRESS),
    identity: { manufacturer: "Vitalograph", model: "4000", serial: "185100", firmware: "961" },
    grants: 2,
  });
});
afterEach(async () => {
  await monitor.close();
  await radio[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

describe("a lung monitor over the air", () => {
  it("is read blow by blow while it is on: every blow once, acknowledged, with its own time", async () => {
    monitor.switchOn();
    const running = session();
    for (const [index, blow] of BLOWS.entries()) {
      monitor.blow(blow);
      await until(() => sink.taken.length > index && monitor.waiting === 0, "the blow is taken and acknowledged");
    }
    monitor.switchOff();
    expect(await running).toEqual({ readings: 3, reason: "disconnected" });
    expect(sink.taken.map(({ values }) => values.map(({ value }) => value))).toEqual([
      [332, 3.23, 76],
      [340, 3.3, 78],
      [301, 2.9, 73],
    ]);
    expect(sink.taken.map(({ quality }) => quality)).toEqual([[], [], ["questionable"]]);
    expect(sink.taken[0]).toMatchObject({
      kind: "spirometry",
      time: { basis: "device-synced", faults: [] },
      device: { manufacturer: "Vitalograph", serial: "0000185100" },
      provenance: { transport: "ble", driver: "gatt-vitalograph-lung-monitor@1.0.0", source: "vitalograph" },
    });
    expect(sink.taken.map(({ provenance }) => provenance.rawHex)).toEqual(
      monitor.measurements.map(({ sent }) => sent[0]),
    );
    expect(monitor.violations).toEqual([]);
  });

  it("tells what nobody heard when it is switched on again, in order", async () => {
    for (const blow of BLOWS) monitor.blow(blow);
    monitor.switchOn();
    const running = session();
    await until(() => monitor.waiting === 0, "all blows are told");
    monitor.switchOff();
    await running;
    expect(sink.taken.map(({ values }) => values[0]?.value)).toEqual([332, 340, 301]);
  });

  it("keeps a blow that the hub could not store, and tells it again in the next session", async () => {
    sink.beforeTake = () => Promise.reject(new Error("disk full"));
    monitor.switchOn();
    const [first] = BLOWS;
    if (first !== undefined) monitor.blow(first);
    await expect(session()).rejects.toThrow("disk full");
    expect(monitor.waiting).toBe(1);
    sink.beforeTake = async () => undefined;
    const running = session();
    await until(() => monitor.waiting === 0, "the blow is acknowledged");
    monitor.switchOff();
    await running;
    expect(new Set(sink.taken.map(({ idem }) => idem)).size).toBe(1);
  });
});
