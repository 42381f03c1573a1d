// Long: every turn that a session can take, over one scripted link and sink that the cases share.
import { describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import {
  createMemoryBleLink,
  type MemoryBleLink,
  type MemoryCharacteristic,
} from "../../hardware-sim/ports/memory-ble-link.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { HubError } from "../../protocol/errors.ts";
import { epochMs, millis, seconds } from "../../protocol/time.ts";
import { createRecordingSink, type RecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import { until } from "../../tests/support/until.ts";
import type { EnrolledSensor, SensorDriver, SessionEnd } from "../driver.ts";
import { createBloodPressureDriver } from "./blood-pressure.ts";
import { createGlucoseDriver } from "./glucose.ts";
import { createThermometerDriver } from "./thermometer.ts";
import { createWeightScaleDriver } from "./weight-scale.ts";

/** The sensor's clock in a test: runs with the hub's, `aheadMs` off the home's local time (+2 h in June). */
interface SensorClock {
  readonly characteristic: MemoryCharacteristic;
  aheadMs: number;
}

const dateTimeBytes = (localMs: number): Uint8Array => {
  const at = new Date(localMs);
  const year = at.getUTCFullYear();
  return Uint8Array.of(
    year & 0xff,
    year >> 8,
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
  );
};

const sensorClock = (clock: SimulatedClock, aheadMs: number, takes = millis(40)): SensorClock => {
  const local = (): number => clock.now() + 7_200_000;
  const state: SensorClock = {
    aheadMs,
    characteristic: {
      service: "1810",
      channel: "2a08",
      properties: ["read", "write"],
      takes,
      value: () => dateTimeBytes(local() + state.aheadMs),
      onWrite: (bytes) => {
        const [low = 0, high = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = bytes;
        state.aheadMs = Date.UTC(low | (high << 8), month - 1, day, hour, minute, second) - local();
      },
    },
  };
  return state;
};

const readable = (service: string, channel: string, hex: string, takes = millis(40)): MemoryCharacteristic => ({
  service,
  channel,
  properties: ["read"],
  takes,
  value: () => fromHex(hex),
});

const utf8 = (text: string): string => Buffer.from(text).toString("hex");

const INFORMATION: readonly MemoryCharacteristic[] = [
  readable("180a", "2a23", "c9f253feff12f3c4"),
  readable("180a", "2a29", utf8("A&D Medical ")),
  readable("180a", "2a24", utf8("UA-651BLE ")),
  readable("180a", "2a25", utf8("5181000124")),
  readable("180a", "2a26", utf8("BLP009_02_005 ")),
  readable("180f", "2a19", "50"),
];

const cuff: MemoryCharacteristic = {
  service: "1810",
  channel: "2a35",
  properties: ["indicate"],
  takes: millis(40),
};
const scale: MemoryCharacteristic = { ...cuff, service: "181d", channel: "2a9d" };
const thermometer: MemoryCharacteristic = { ...cuff, service: "1809", channel: "2a1c" };

interface Bench {
  readonly clock: SimulatedClock;
  readonly link: MemoryBleLink;
  readonly sink: RecordingSink;
  readonly stop: AbortController;
  readonly ended: Promise<SessionEnd>;
}

interface BenchOptions {
  readonly driver?: SensorDriver<unknown>;
  readonly sensor?: Partial<EnrolledSensor>;
  readonly clock?: SimulatedClock;
  /** Runs before the session, for what a sensor sends early. */
  readonly early?: (link: MemoryBleLink) => void;
}

const start = (characteristics: readonly MemoryCharacteristic[], options: BenchOptions = {}): Bench => {
  const clock = options.clock ?? createSimulatedClock();
  const link = createMemoryBleLink({ characteristics, clock });
  options.early?.(link);
  const sink = createRecordingSink();
  const stop = new AbortController();
  const driver = options.driver ?? createBloodPressureDriver();
  const ended = driver.session(link, sink, sessionContext(clock, options.sensor), stop.signal);
  ended.catch(() => undefined);
  return { clock, link, sink, stop, ended };
};

/** 124/86 (97), pulse 51, at 2026-06-15 13:59:50. */
const MEASURED = "167c0056006100ea07060f0d3b3233000000";
const operations = (bench: Bench): readonly string[] => bench.link.operations.map((one) => `${one.tag} ${one.channel}`);

const settled = async (bench: Bench, span = seconds(6)): Promise<SessionEnd> => {
  await bench.clock.advance(span);
  return await bench.ended;
};

describe("GATT session", () => {
  it("subscribes, reads the clock, then says who the sensor is, identity first and battery last", async () => {
    const clock = createSimulatedClock();
    const bench = start([cuff, sensorClock(clock, 0).characteristic, ...INFORMATION], { clock });
    await clock.advance(seconds(1));
    bench.link.indicate("2a35", fromHex(MEASURED));
    expect(await settled(bench)).toEqual({ readings: 1, reason: "complete" });
    expect(operations(bench)).toEqual([
      "subscribe 2a35",
      "read 2a08",
      "read 2a23",
      "read 2a25",
      "read 2a26",
      "read 2a24",
      "read 2a29",
      "read 2a19",
      "confirm 2a35",
    ]);
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "blood-pressure",
        values: [
          { mdc: 150021, value: 124, decimals: 0, unit: "mm[Hg]" },
          { mdc: 150022, value: 86 },
          { mdc: 150023, value: 97 },
          { mdc: 149546, value: 51, unit: "/min" },
        ],
        time: { start: "2026-06-15T11:59:50.000Z", basis: "device-synced", faults: [] },
        device: {
          systemId: "c4f312fffe53f2c9",
          manufacturer: "A&D Medical",
          model: "UA-651BLE",
          serial: "5181000124",
          firmware: "BLP009_02_005",
          catalogue: "maker-model@1",
          batteryPercent: 80,
        },
        provenance: { driver: "gatt-blood-pressure@1.0.0", transport: "ble", source: "2a35", rawHex: MEASURED },
      },
    ]);
  });

  it("confirms a measurement only when it is durable", async () => {
    const bench = start([cuff]);
    let release = (): void => undefined;
    bench.sink.beforeTake = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    bench.link.indicate("2a35", fromHex(MEASURED));
    await bench.clock.advance(seconds(2));
    expect(operations(bench)).not.toContain("confirm 2a35");
    release();
    await until(() => operations(bench).includes("confirm 2a35"), "the measurement is confirmed");
    await settled(bench);
  });

  it("leaves a measurement unconfirmed that the store refused, and rejects", async () => {
    const bench = start([cuff]);
    bench.sink.beforeTake = () => Promise.reject(new HubError("outbox-poisoned", "outbox append: fsync failed"));
    bench.link.indicate("2a35", fromHex(MEASURED));
    await bench.clock.advance(seconds(2));
    await expect(bench.ended).rejects.toThrow("fsync failed");
    expect(operations(bench)).not.toContain("confirm 2a35");
  });

  it("does not delay a reading by more than 300 ms for a sensor that does not say who it is", async () => {
    const silent: MemoryCharacteristic = { ...readable("180a", "2a23", "00"), takes: "never" };
    const bench = start([{ ...cuff, takes: millis(0) }, silent]);
    bench.link.indicate("2a35", fromHex(MEASURED));
    await bench.clock.advance(millis(299));
    expect(bench.sink.taken).toEqual([]);
    await bench.clock.advance(millis(1));
    await until(() => bench.sink.taken.length === 1, "the reading is taken");
    expect(bench.clock.elapsed()).toBe(300);
    expect(bench.sink.taken[0]?.device).toMatchObject({ systemId: null, manufacturer: "Maker", model: "Model" });
    await settled(bench);
  });

  it("takes what a bonded sensor indicated before the session, even if it is gone by then", async () => {
    const bench = start([cuff], {
      early: (link) => {
        link.indicate("2a35", fromHex(MEASURED));
        link.drop();
      },
    });
    expect(await settled(bench)).toEqual({ readings: 1, reason: "disconnected" });
    expect(bench.sink.taken).toHaveLength(1);
  });

  it("waits for further stored measurements until five seconds bring none", async () => {
    const bench = start([cuff]);
    const stored = ["0c", "0d", "0e"].map((minute) => MEASURED.replace("0d3b32", `0d${minute}00`));
    bench.link.indicate("2a35", fromHex(stored[0] ?? ""));
    for (const hex of stored.slice(1)) {
      await bench.clock.advance(seconds(4));
      bench.link.indicate("2a35", fromHex(hex));
    }
    expect(await settled(bench)).toEqual({ readings: 3, reason: "complete" });
  });

  it("ends after two minutes when no measurement comes", async () => {
    const bench = start([cuff, ...INFORMATION]);
    await bench.clock.advance(seconds(119));
    expect(bench.link.lost.aborted).toBe(false);
    expect(await settled(bench, seconds(2))).toEqual({ readings: 0, reason: "deadline" });
  });

  it("ends after two minutes although measurements keep coming", async () => {
    const bench = start([thermometer], { driver: createThermometerDriver() });
    for (let i = 0; i < 45; i++) {
      bench.link.indicate("2a1c", fromHex("00710e00fe"));
      await bench.clock.advance(seconds(3));
    }
    expect((await settled(bench)).reason).toBe("deadline");
  });

  it("ends when the sensor disconnects", async () => {
    const bench = start([cuff]);
    await bench.clock.advance(seconds(1));
    bench.link.drop();
    expect(await settled(bench)).toEqual({ readings: 0, reason: "disconnected" });
  });

  it("ends when it is told to, also before it is subscribed", async () => {
    const bench = start([{ ...cuff, takes: "never" }]);
    await bench.clock.advance(seconds(1));
    bench.stop.abort();
    expect(await settled(bench)).toEqual({ readings: 0, reason: "aborted" });
  });

  it("keeps bytes that it cannot read, confirms them, and reports once", async () => {
    const bench = start([cuff]);
    bench.link.indicate("2a35", fromHex("1e8a00"));
    bench.link.indicate("2a35", fromHex("1e8a0058"));
    bench.link.indicate("2a35", fromHex(MEASURED));
    expect(await settled(bench)).toEqual({ readings: 1, reason: "complete" });
    expect(bench.sink.unreadable).toMatchObject([
      { channel: "2a35", rawHex: "1e8a00", receivedUtc: "2026-06-15T12:00:00.000Z" },
      { channel: "2a35", rawHex: "1e8a0058" },
    ]);
    expect(bench.sink.unreadable[0]?.reason).toMatch(/^truncated: /);
    expect(bench.sink.reports.map((report) => report.code)).toEqual(["malformed-data"]);
    expect(operations(bench).filter((one) => one === "confirm 2a35")).toHaveLength(3);
  });

  it("does not take for a measurement what a bonded sensor sends besides", async () => {
    const bench = start([cuff, { service: "180f", channel: "2a19", properties: ["read", "notify"] }]);
    bench.link.indicate("2a19", fromHex("50"));
    bench.link.indicate("2a36", fromHex("006400ff07ff07"));
    await bench.clock.advance(seconds(10));
    bench.link.indicate("2a35", fromHex(MEASURED));
    expect(await settled(bench)).toEqual({ readings: 1, reason: "complete" });
    expect(bench.sink.unreadable).toEqual([]);
    expect(operations(bench)).toContain("confirm 2a36");
  });

  it("never publishes pressures whose exponents are written with a bias", async () => {
    const bench = start([cuff]);
    bench.link.indicate("2a35", fromHex("00788050805a80"));
    await settled(bench);
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.unreadable).toHaveLength(1);
  });

  it("refuses a sensor that has no such measurement, with the next step", async () => {
    const bench = start([scale, ...INFORMATION]);
    await expect(bench.ended).rejects.toThrow(/no blood pressure measurement \(2a35\).*enrolled/);
  });

  it("hands on a refused subscription", async () => {
    const bench = start([{ ...cuff, properties: ["read"] }]);
    await bench.clock.advance(seconds(1));
    await expect(bench.ended).rejects.toMatchObject({ code: "ble-att-error" });
  });
});

describe("GATT session and the sensor's clock", () => {
  it("shifts a stamp by how far the sensor was off, then sets it to the home's local time and reads it again", async () => {
    const clock = createSimulatedClock();
    const wrong = sensorClock(clock, -3_600_000);
    const bench = start([cuff, wrong.characteristic], { clock });
    // Measured 10 s ago, when the sensor showed 12:59:50 for 13:59:50.
    bench.link.indicate("2a35", fromHex(MEASURED.replace("0d3b32", "0c3b32")));
    await settled(bench);
    expect(operations(bench).slice(0, 4)).toEqual(["subscribe 2a35", "read 2a08", "write 2a08", "read 2a08"]);
    expect(toHex(bench.link.operations[2]?.bytes ?? new Uint8Array())).toBe("ea07060f0e0000");
    expect(Math.abs(wrong.aheadMs)).toBeLessThan(1000);
    const [reading] = bench.sink.taken;
    expect(reading?.time.basis).toBe("device-corrected");
    expect(Math.abs(Date.parse(reading?.time.start ?? "") - Date.parse("2026-06-15T11:59:50Z"))).toBeLessThan(1100);
    expect(reading?.time.deviceRaw?.text).toBe("2026-06-15T12:59:50");
    expect(reading?.time.uncertaintyMs).toBeLessThan(1200);
  });

  it("takes a live measurement on the timeline that it set", async () => {
    const clock = createSimulatedClock();
    const bench = start([cuff, sensorClock(clock, -400 * 86_400_000).characteristic], { clock });
    await clock.advance(seconds(30));
    bench.link.indicate("2a35", fromHex(MEASURED.replace("0d3b32", "0e0019")));
    await settled(bench);
    expect(bench.sink.taken[0]?.time).toMatchObject({
      start: "2026-06-15T12:00:25.000Z",
      basis: "device-synced",
      faults: [],
    });
  });

  it("does not set a clock that is right", async () => {
    const clock = createSimulatedClock();
    const bench = start([cuff, sensorClock(clock, 400).characteristic], { clock });
    await clock.advance(seconds(1));
    bench.stop.abort();
    await bench.ended;
    expect(operations(bench)).not.toContain("write 2a08");
  });

  it("does not set a clock by a hub that does not know the time, and keeps what it can", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(0), state: "unset" });
    const bench = start([cuff, sensorClock(clock, 400).characteristic], { clock });
    bench.link.indicate("2a35", fromHex(MEASURED));
    await settled(bench);
    expect(operations(bench)).not.toContain("write 2a08");
    expect(bench.sink.taken[0]?.time).toMatchObject({
      start: null,
      basis: "unknown",
      deviceRaw: { text: "2026-06-15T13:59:50" },
      received: { utc: null, bootId: "boot-simulated", monoMs: 0 },
    });
  });

  it("sets a clock of the Current Time service with weekday and reason", async () => {
    const clock = createSimulatedClock();
    const time: MemoryCharacteristic = {
      service: "1805",
      channel: "2a2b",
      properties: ["read", "write", "notify"],
      value: () => fromHex("e407010100000003 0000"),
    };
    const bench = start([cuff, time], { clock });
    await clock.advance(seconds(1));
    bench.stop.abort();
    await bench.ended;
    const written = bench.link.operations.find((one) => one.tag === "write");
    // 15 June 2026 is a Monday; 02: external reference.
    expect(toHex(written?.bytes ?? new Uint8Array())).toBe("ea07060f0e0000010002");
  });

  it("goes on without a clock that refuses, or that does not answer within five seconds", async () => {
    const dead: MemoryCharacteristic = { service: "1810", channel: "2a08", properties: ["read"], takes: "never" };
    const bench = start([cuff, dead]);
    bench.link.indicate("2a35", fromHex(MEASURED));
    expect(await settled(bench, seconds(12))).toEqual({ readings: 1, reason: "complete" });
    expect(bench.sink.taken[0]?.time).toMatchObject({ start: "2026-06-15T11:59:50.000Z", coincident: null });
  });
});

describe("identity of a reading", () => {
  const withDate = fromHex("0ef22fea07060f0d3b3202d400a406");

  it("is the same for a stored record that is read again", async () => {
    const once = async (at: string): Promise<string | undefined> => {
      const clock = createSimulatedClock({ startAt: epochMs(Date.parse(at)) });
      const bench = start([cuff, sensorClock(clock, -3_600_000).characteristic, ...INFORMATION], { clock });
      bench.link.indicate("2a35", fromHex(MEASURED));
      await settled(bench);
      return bench.sink.taken[0]?.id;
    };
    expect(await once("2026-06-15T12:00:00Z")).toBe(await once("2026-06-17T07:31:00Z"));
  });

  it("is one of its own for each record without a date that tells it apart", async () => {
    const bench = start([cuff]);
    const dateless = MEASURED.replace("ea07060f", "00000000");
    bench.link.indicate("2a35", fromHex(dateless));
    bench.link.indicate("2a35", fromHex(dateless));
    await settled(bench);
    expect(new Set(bench.sink.taken.map((one) => one.id)).size).toBe(2);
    expect(bench.sink.taken[0]?.time).toMatchObject({ start: null, faults: ["incomplete-date"] });
  });

  it("tells two sensors of one model apart by their address when they say nothing", async () => {
    const id = async (address: string): Promise<string | undefined> => {
      const clock = createSimulatedClock();
      const link = createMemoryBleLink({ characteristics: [scale], clock, address });
      const sink = createRecordingSink();
      const session = createWeightScaleDriver().session(
        link,
        sink,
        sessionContext(clock),
        new AbortController().signal,
      );
      link.indicate("2a9d", withDate);
      await clock.advance(seconds(6));
      await session;
      return sink.taken[0]?.id;
    };
    expect(await id("c4:f3:12:00:00:01")).not.toBe(await id("c4:f3:12:00:00:02"));
  });
});

describe("drivers of GATT services", () => {
  it("reads a BM85 by the quirk of its catalogue entry, and withholds its pulse without it", async () => {
    const payload = fromHex("566a0047000000ea07080b121f00003f000000");
    const read = async (quirks: readonly string[]): Promise<RecordingSink> => {
      const bench = start([cuff], { sensor: { quirks } });
      bench.link.indicate("2a35", payload);
      await settled(bench);
      return bench.sink;
    };
    const known = await read(["beurer-bm85"]);
    expect(known.taken[0]?.values).toMatchObject([
      { value: 106 },
      { value: 71 },
      { value: null, absent: "unknown" },
      { value: 63 },
    ]);
    expect(known.taken[0]?.context).toEqual({ userSlot: 0, status: 0 });
    const unknown = await read([]);
    expect(unknown.taken[0]).toMatchObject({
      values: [{ value: 106 }, { value: 71 }, { value: null }, { value: null, absent: "error" }],
      quality: ["questionable"],
      context: {},
      flags: [],
    });
  });

  it("says with a blood pressure what the cuff can detect", async () => {
    const bench = start([cuff, readable("1810", "2a49", "2500")]);
    bench.link.indicate("2a35", fromHex(MEASURED));
    await settled(bench);
    expect(bench.sink.taken[0]?.context).toEqual({ status: 0, feature: 0x25 });
  });

  it("codes a temperature by the site that the thermometer states once for all", async () => {
    const read = async (more: readonly MemoryCharacteristic[], hex: string): Promise<number | undefined> => {
      const bench = start([thermometer, ...more], { driver: createThermometerDriver() });
      bench.link.indicate("2a1c", fromHex(hex));
      await settled(bench);
      return bench.sink.taken[0]?.values[0]?.mdc;
    };
    const tympanic = readable("1809", "2a1d", "09");
    expect(await read([tympanic], "00710e00fe")).toBe(150392);
    expect(await read([tympanic], "04710e00fe06")).toBe(188424);
    expect(await read([], "00710e00fe")).toBe(150364);
  });

  it("reads an A&D scale with the maker's own characteristic", async () => {
    const channel = "234341011fe41eff80cb00ff78297d8b";
    const bench = start([{ ...scale, service: "234341001fe41eff80cb00ff78297d8b", channel }], {
      driver: createWeightScaleDriver(),
    });
    bench.link.indicate(channel, fromHex("02f22fea07060f0d3b32"));
    await settled(bench);
    expect(bench.sink.taken[0]).toMatchObject({
      values: [{ value: 61.37, decimals: 3, unit: "kg" }],
      provenance: { source: channel },
    });
  });
});

describe("GATT session with a sensor's memory", () => {
  const meter: MemoryCharacteristic = { service: "1808", channel: "2a18", properties: ["notify"] };
  const RECORD = "02 0100 ea07060f0d3b32 6fb011";

  /** A meter whose control point answers each request with these values of its characteristics. */
  const answering = (answers: readonly (readonly [string, string])[]) => {
    const play: { link: MemoryBleLink | null } = { link: null };
    const access: MemoryCharacteristic = {
      service: "1808",
      channel: "2a52",
      properties: ["write", "indicate"],
      onWrite: () => {
        for (const [channel, hex] of answers) play.link?.indicate(channel, fromHex(hex));
      },
    };
    const bench = start([meter, access], {
      driver: createGlucoseDriver(),
      early: (link) => {
        play.link = link;
      },
    });
    return bench;
  };

  it("subscribes to the control point before it writes to it, and ends when all is told", async () => {
    const bench = answering([
      ["2a18", RECORD],
      ["2a52", "06000101"],
    ]);
    expect(await settled(bench)).toEqual({ readings: 1, reason: "complete" });
    expect(operations(bench)).toEqual([
      "subscribe 2a18",
      "subscribe 2a52",
      "write 2a52",
      "confirm 2a18",
      "confirm 2a52",
    ]);
  });

  it("keeps bytes of the control point that make no sense, and those of no question of its own it ignores", async () => {
    const bench = answering([
      ["2a52", "0600"],
      ["2a52", "05000300"],
      ["2a52", "06000301"],
      ["2a52", "06000106"],
    ]);
    expect(await settled(bench)).toEqual({ readings: 0, reason: "complete" });
    expect(bench.sink.unreadable).toMatchObject([{ channel: "2a52", rawHex: "0600" }]);
  });

  it("asks in the simplest way a sensor that does not know the better one", async () => {
    const asked: string[] = [];
    const clock = createSimulatedClock();
    const memory = createMemorySensorMemory({ records: JSON.stringify({ run: "", sequence: 7, mark: "m" }) });
    const link = createMemoryBleLink({
      clock,
      characteristics: [
        meter,
        {
          service: "1808",
          channel: "2a52",
          properties: ["write", "indicate"],
          onWrite: (bytes) => {
            asked.push(toHex(bytes));
            link.indicate("2a52", fromHex(asked.length === 1 ? "06000104" : "06000106"));
          },
        },
      ],
    });
    const context = { ...sessionContext(clock), memory };
    const ended = createGlucoseDriver().session(link, createRecordingSink(), context, new AbortController().signal);
    await clock.advance(seconds(6));
    expect(await ended).toEqual({ readings: 0, reason: "complete" });
    expect(asked).toEqual(["0103010700", "0101"]);
  });

  it("asks no more than four times a sensor that never completes, and ends", async () => {
    const bench = answering([["2a52", "06000108"]]);
    expect(await settled(bench)).toEqual({ readings: 0, reason: "complete" });
    expect(operations(bench).filter((one) => one === "write 2a52")).toHaveLength(4);
  });

  it("never writes anything to a control point but a report or its abort", async () => {
    const bench = answering([]);
    expect(await settled(bench, seconds(40))).toEqual({ readings: 0, reason: "deadline" });
    const written = bench.link.operations
      .filter(({ tag }) => tag === "write")
      .map(({ bytes }) => toHex(bytes ?? new Uint8Array()));
    expect(written).toEqual(["0101", "0300"]);
  });
});
