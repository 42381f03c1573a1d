import NobleBindings from "noble/lib/hci-socket/bindings.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRadioScheduler } from "../../drivers/ble/radio-scheduler.ts";
import type { BleEnrolment } from "../../drivers/ble/sensor-session.ts";
import type { ReadingSink, SensorDriver } from "../../drivers/driver.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { assignmentId, catalogueId, channelId, driverId, hubId, sensorId } from "../../protocol/ids.ts";
import type { Advertisement, BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { clock, heard, never, nextOf, radioOn, time, valuesOf } from "./hub-side.ts";
import { startAdapter, startCuff, type VirtualAdapter } from "./virtual-home.ts";

const MEASUREMENT = channelId("2a35");
const BATTERY = channelId("2a19");
const CUFF = "c4:f3:12:53:f2:c9";
const READING = "167c0056006100e807060f11111b33000000";

const starts = vi.spyOn(NobleBindings.prototype, "start");

const sink: ReadingSink = {
  take: () => Promise.resolve(),
  keepUnreadable: () => Promise.resolve(),
  nextCounter: () => Promise.resolve(1),
  report: () => undefined,
};

const enrolment = (name: string, address: string, session: SensorDriver<unknown>["session"]): BleEnrolment => ({
  sensor: {
    id: sensorId(name),
    assignment: assignmentId("a-1"),
    catalogue: { id: catalogueId("maker-model"), version: "1" },
    manufacturer: "Maker",
    model: "Model",
    udi: null,
    quirks: [],
  },
  address,
  driver: {
    id: driverId("fake"),
    version: "1.0.0",
    transport: "ble",
    stays: false,
    decode: () => ({ tag: "malformed", reason: "unsupported", detail: "" }),
    normalise: () => [],
    session,
  },
});

let adapter: VirtualAdapter;
let radio: BleRadio;

const hear = (address: string): Promise<Advertisement> => heard(radio, (one) => one.address === address);
const connect = async (address: string): Promise<BleLink> => radio.connect(await hear(address), never);

/** How many entries everything has that noble keeps, and how many listeners are on it. */
const sizesOf = (): Record<string, number> => {
  const [bindings] = starts.mock.contexts.slice(-1);
  if (bindings === undefined) throw new Error("noble was not started");
  const { _hci: hci, _gap: gap } = bindings as unknown as { _hci: object; _gap: object };
  const parts = { bindings, hci, gap, process };
  const sizes: Record<string, number> = {};
  for (const [name, part] of Object.entries(parts)) {
    const emitter = part as NodeJS.EventEmitter;
    sizes[`${name} listeners`] = emitter.eventNames().reduce((sum, event) => sum + emitter.listenerCount(event), 0);
    if (part === process) continue;
    for (const [key, value] of Object.entries(part)) {
      if (value instanceof Map || value instanceof Set) sizes[`${name}.${key}`] = value.size;
      else if (Array.isArray(value)) sizes[`${name}.${key}`] = value.length;
      else if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
        sizes[`${name}.${key}`] = Object.keys(value).length;
      }
    }
  }
  return sizes;
};

beforeEach(async () => {
  adapter = await startAdapter();
  radio = radioOn(adapter.path);
  await radio.start(never);
});
afterEach(async () => {
  await radio[Symbol.asyncDispose]();
  await adapter[Symbol.asyncDispose]();
});

describe("the scheduler on this radio", () => {
  it("reads three cuffs that measure at the same moment, each confirmed when it is stored", async () => {
    const addresses = ["c4:f3:12:53:f2:01", "c4:f3:12:53:f2:02", "c4:f3:12:53:f2:03"];
    const stored: string[] = [];
    const session: SensorDriver<unknown>["session"] = async (transport, sink, { sensor }, signal) => {
      const link = transport as BleLink;
      await link.subscribe(MEASUREMENT, signal);
      const value = await nextOf(valuesOf(link));
      await sink.take([]);
      stored.push(sensor.id);
      value.confirm();
      return { readings: 1, reason: "complete" };
    };
    const stop = new AbortController();
    const scheduler = createRadioScheduler({
      radio,
      sensors: addresses.map((address, i) => enrolment(`cuff-${i}`, address, session)),
      sink,
      contextOf: ({ sensor }) => ({
        sensor,
        hub: { id: hubId("hub"), version: "0" },
        zone: "UTC",
        clock,
        time,
        logger: silentLogger,
        memory: createMemorySensorMemory(),
      }),
      clock,
      logger: silentLogger,
    });
    const running = scheduler.run(stop.signal);
    const confirmed: string[] = [];
    const cuffs = addresses.map((address) =>
      startCuff(adapter.air, address, {
        subscribed: (gatt) => {
          void gatt.indicate("2a35", fromHex(READING)).then((outcome) => confirmed.push(outcome));
        },
      }),
    );
    await until(() => stored.length >= 3 && confirmed.length >= 3, "three measurements are stored and confirmed");
    expect(new Set(stored)).toEqual(new Set(["cuff-0", "cuff-1", "cuff-2"]));
    expect(confirmed.slice(0, 3)).toEqual(["confirmed", "confirmed", "confirmed"]);
    stop.abort();
    await running;
    for (const cuff of cuffs) await cuff[Symbol.asyncDispose]();
    expect(scheduler.status().sensors.map(({ lastSession }) => lastSession?.trouble)).toEqual([null, null, null]);
  });
});

describe("the radio over time", () => {
  it("holds nothing more after 100 sessions with 20 sensors than after 5 with one", { timeout: 120_000 }, async () => {
    const session = async (address: string): Promise<void> => {
      await using cuff = startCuff(adapter.air, address);
      const link = await connect(address);
      await link.subscribe(MEASUREMENT, never);
      const outcome = cuff.gatt?.indicate("2a35", fromHex(READING));
      (await nextOf(valuesOf(link))).confirm();
      expect(await outcome).toBe("confirmed");
      await link[Symbol.asyncDispose]();
    };
    for (let i = 0; i < 5; i++) await session(CUFF);
    const early = sizesOf();
    for (let i = 5; i < 100; i++) await session(`c4:f3:12:53:f3:${String(i % 20).padStart(2, "0")}`);
    expect(sizesOf()).toEqual(early);
  });

  it("holds nothing of the ten thousand addresses that pass by, and still hears the one that counts", async () => {
    const dice = createChance(20_260_615);
    const before = sizesOf();
    const scan = new AbortController();
    const addresses = new Set<string>();
    const hearing = (async () => {
      for await (const { address } of radio.scan(scan.signal)) addresses.add(address);
    })();
    await until(() => adapter.controller.scanning, "the controller scans");
    for (let i = 0; i < 10_000; i++) {
      // LE Advertising Report: one connectable advertisement of a random address, with a medical service.
      const report = ["043e1002010001", toHex(dice.bytes(6)), "04", "03031018", "c4"].join("");
      await adapter.line.write(fromHex(report));
    }
    await using _cuff = startCuff(adapter.air, CUFF);
    await until(() => addresses.has(CUFF), "the cuff is heard");
    expect(addresses.size).toBeGreaterThan(5000);
    scan.abort();
    await hearing;
    expect(sizesOf()).toEqual(before);
  });

  it("leaves no listener on the process, so that the hub's own shutdown is not cut short", async () => {
    const before = ["SIGINT", "exit"].map((event) => process.listenerCount(event));
    await using second = await startAdapter();
    const another = radioOn(second.path);
    for (let i = 0; i < 3; i++) {
      await another.start(never);
      expect(["SIGINT", "exit"].map((event) => process.listenerCount(event))).toEqual(before);
      await another[Symbol.asyncDispose]();
    }
    expect(another.state).toBe("off");
  });

  it("does not disturb a second radio in the same process", async () => {
    await using second = await startAdapter();
    await using other = radioOn(second.path);
    await other.start(never);
    await using _cuff = startCuff(adapter.air, CUFF);
    await using _elsewhere = startCuff(second.air, "c4:f3:12:53:f2:cc");
    const [here, there] = await Promise.all([hear(CUFF), heard(other, () => true)]);
    expect([here.address, there.address]).toEqual([CUFF, "c4:f3:12:53:f2:cc"]);
    await other[Symbol.asyncDispose]();
    const link = await connect(CUFF);
    expect(await link.read(BATTERY, never)).toEqual(fromHex("57"));
  });
});
