// Long: every turn that a session can take, over one scripted line and sink that the cases share.
import { describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport, type MemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { noninPacket, noninSpotPacket, type OximeterPacket } from "../../hardware-sim/serial/nonin-frames.ts";
import { aanddLine, tanitaLine } from "../../hardware-sim/serial/scale-lines.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { HubError } from "../../protocol/errors.ts";
import { epochMs, millis, minutes, seconds } from "../../protocol/time.ts";
import { createRecordingSink, type RecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import { until } from "../../tests/support/until.ts";
import type { EnrolledSensor, SensorDriver, SessionEnd } from "../driver.ts";
import { createAndScaleDriver } from "./and-scale.ts";
import { createNoninSpotDriver } from "./nonin-spot.ts";
import { createNoninStreamDriver } from "./nonin-stream.ts";
import { createTanitaScaleDriver } from "./tanita-scale.ts";

interface Bench {
  readonly clock: SimulatedClock;
  readonly transport: MemoryTransport;
  readonly sink: RecordingSink;
  readonly stop: AbortController;
  readonly ended: Promise<SessionEnd>;
}

const start = (
  driver: SensorDriver<unknown>,
  sensor: Partial<EnrolledSensor> = {},
  clock = createSimulatedClock(),
): Bench => {
  const transport = createMemoryTransport(clock);
  const sink = createRecordingSink();
  const stop = new AbortController();
  const ended = driver.session(transport, sink, sessionContext(clock, sensor), stop.signal);
  ended.catch(() => undefined);
  return { clock, transport, sink, stop, ended };
};

const unplugged = async (bench: Bench): Promise<SessionEnd> => {
  bench.transport.unplug();
  return await bench.ended;
};

const spot = (given: Partial<Parameters<typeof noninSpotPacket>[0]> = {}): Uint8Array =>
  noninSpotPacket({
    pulse: 71,
    spo2: 96,
    time: { year: 2026, month: 6, day: 15, hour: 13, minute: 59, second: 50 },
    fromMemory: false,
    lowBattery: false,
    ...given,
  });

const oximeter = (given: Partial<OximeterPacket> = {}): Uint8Array =>
  noninPacket({
    pulse: 72,
    spo2: 97,
    spo2Beat: 97,
    pulseDisplay: 72,
    spo2Display: 97,
    timer: 0,
    pleth: [],
    beatAt: null,
    fingerRemoved: false,
    artifact: false,
    ...given,
  });

const text = (line: string): Uint8Array => Buffer.from(line, "latin1");

describe("A&D scale session", () => {
  it("takes a stable weight with its precision, its line and its driver", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(aanddLine("US", 4010).bytes);
    const { bytes } = aanddLine("ST", 8270);
    bench.transport.send(bytes);
    expect(await unplugged(bench)).toEqual({ readings: 1, reason: "disconnected" });
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "body-weight",
        status: "final",
        values: [{ mdc: 188736, value: 82.7, decimals: 2, unit: "kg" }],
        time: { start: "2026-06-15T12:00:00.000Z", basis: "reception", uncertaintyMs: 1020, deviceRaw: null },
        provenance: { driver: "and-scale@1.0.0", transport: "serial", source: "and-line", rawHex: toHex(bytes) },
      },
    ]);
  });

  it("takes the same weight of two days as two readings", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(aanddLine("ST", 8270).bytes);
    await until(() => bench.sink.taken.length === 1, "the first weight is taken");
    await bench.clock.advance(minutes(1440));
    bench.transport.send(aanddLine("ST", 8270).bytes);
    await unplugged(bench);
    expect(new Set(bench.sink.taken.map((one) => one.idem)).size).toBe(2);
  });

  it("takes a line that arrives octet by octet", async () => {
    const bench = start(createAndScaleDriver());
    for (const octet of aanddLine("ST", 8270).bytes) bench.transport.send(Uint8Array.of(octet));
    await unplugged(bench);
    expect(bench.sink.taken).toHaveLength(1);
  });

  it("takes nothing of a line whose cable is pulled in the middle", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(aanddLine("ST", 8270).bytes.subarray(0, 12));
    expect(await unplugged(bench)).toEqual({ readings: 0, reason: "disconnected" });
    expect(bench.sink.taken).toEqual([]);
  });

  it("takes no weight from a line that lost an octet, whichever", async () => {
    const { bytes } = aanddLine("ST", 8270);
    for (let lost = 0; lost < bytes.length - 2; lost++) {
      const bench = start(createAndScaleDriver());
      bench.transport.send(bytes.filter((_, index) => index !== lost));
      await unplugged(bench);
      expect(bench.sink.taken, `without octet ${lost}`).toEqual([]);
    }
  });

  it("publishes grams as kilograms by moving the point", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(text("ST,+03420.50  g\r\n"));
    await unplugged(bench);
    expect(bench.sink.taken[0]?.values).toMatchObject([{ value: 3.4205, decimals: 5, unit: "kg" }]);
  });

  it("keeps a line that it cannot read and goes on with the next", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(text("ST,+0a082.70 kg\r\n"));
    bench.transport.send(aanddLine("ST", 8270).bytes);
    await unplugged(bench);
    expect(bench.sink.unreadable).toMatchObject([{ sensor: "sensor-1", channel: "and-line" }]);
    expect(bench.sink.unreadable[0]?.reason).toMatch(/^format: /);
    expect(bench.sink.reports.map((report) => report.code)).toEqual(["malformed-data"]);
    expect(bench.sink.taken).toHaveLength(1);
  });

  it("keeps at most twenty unreadable lines an hour and reports them once", async () => {
    const bench = start(createAndScaleDriver());
    const send = (): void => {
      for (let i = 0; i < 100; i++) bench.transport.send(text("ST,+0a082.70 kg\r\n"));
    };
    send();
    await until(() => bench.sink.unreadable.length === 20, "twenty are kept");
    await bench.clock.advance(minutes(61));
    send();
    await unplugged(bench);
    expect(bench.sink.unreadable).toHaveLength(40);
    expect(bench.sink.reports.filter((report) => report.code === "malformed-data")).toHaveLength(1);
  });
});

describe("a line at the wrong baud rate", () => {
  const garbage = Uint8Array.from({ length: 60 }, (_, index) => 0x80 + (index % 100));

  it("is reported once, with what to check, when nothing readable comes", async () => {
    const bench = start(createAndScaleDriver());
    for (let i = 0; i < 10; i++) bench.transport.send(garbage);
    await unplugged(bench);
    expect(bench.sink.reports).toMatchObject([{ code: "serial-fault", detail: { sensor: "sensor-1" } }]);
    expect(bench.sink.reports[0]?.message).toMatch(/baud rate/);
    expect(bench.sink.unreadable).toMatchObject([{ reason: "noise: nothing readable on the line" }]);
  });

  it("is not suspected for noise between lines that can be read", async () => {
    const bench = start(createAndScaleDriver());
    for (let i = 0; i < 50; i++) {
      bench.transport.send(garbage.subarray(0, 20));
      bench.transport.send(aanddLine("US", 4000 + i).bytes);
    }
    await unplugged(bench);
    expect(bench.sink.reports).toEqual([]);
  });

  it("is reported again after it had worked", async () => {
    const bench = start(createAndScaleDriver());
    bench.transport.send(garbage);
    bench.transport.send(aanddLine("ST", 8270).bytes);
    bench.transport.send(garbage);
    await unplugged(bench);
    expect(bench.sink.reports.map((report) => report.code)).toEqual(["serial-fault", "serial-fault"]);
  });

  it("is noticed on an oximeter's stream too, acknowledgements in the garbage notwithstanding", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(Uint8Array.from({ length: 80 }, (_, index) => (index % 2 === 0 ? 0x06 : 0x99)));
    await unplugged(bench);
    expect(bench.sink.reports.map((report) => report.code)).toEqual(["serial-fault"]);
  });
});

describe("Tanita scale session", () => {
  it("takes weight, fat, BMI and height, and knows the scale by the serial number of the line", async () => {
    const bench = start(createTanitaScaleDriver());
    const line = tanitaLine(
      { weightTenths: 827, fatPercentTenths: 186, impedanceOhmTenths: 3694, heightCm: 170, age: 30, gender: "male" },
      "2",
    );
    bench.transport.send(line.bytes);
    await unplugged(bench);
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "body-composition",
        values: [
          { mdc: 188736, value: 82.7, decimals: 1, unit: "kg" },
          { mdc: 188748, value: 18.6, decimals: 1, unit: "%" },
          { mdc: 188752, value: 28.6, decimals: 1, unit: "kg/m2" },
          { mdc: 188740, value: 170, decimals: 0, unit: "cm" },
        ],
        device: { serial: "00000002", model: "SC-240", manufacturer: "Maker" },
      },
    ]);
  });

  it("refuses a line with a wrong checksum", async () => {
    const bench = start(createTanitaScaleDriver());
    bench.transport.send(text('{0,16,MO,"SC-240",Wk,82.7,CS,00\r\n'));
    await unplugged(bench);
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.unreadable[0]?.reason).toMatch(/^checksum: /);
  });
});

describe("oximeter stream session", () => {
  it("takes the packet that makes three agree, with exactly its bytes, as modality slow", async () => {
    const bench = start(createNoninStreamDriver());
    const packets = [1, 2, 3].map((timer) => oximeter({ timer }));
    for (const packet of packets) bench.transport.send(packet);
    await unplugged(bench);
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "pulse-oximetry",
        status: "final",
        values: [
          { mdc: 150456, value: 97, decimals: 0, unit: "%" },
          { mdc: 149530, value: 72, decimals: 0, unit: "/min" },
        ],
        supplemental: [150584],
        provenance: { source: "nonin-2", rawHex: toHex(packets[2] ?? new Uint8Array()) },
      },
    ]);
  });

  it("takes one reading every thirty packets, whatever pieces they arrive in", async () => {
    const bench = start(createNoninStreamDriver());
    const stream = Buffer.concat(Array.from({ length: 70 }, (_, timer) => oximeter({ timer })));
    for (let at = 0; at < stream.length; at += 37) bench.transport.send(stream.subarray(at, at + 37));
    await unplugged(bench);
    expect(bench.sink.taken).toHaveLength(3);
    expect(new Set(bench.sink.taken.map((one) => one.idem)).size).toBe(3);
  });

  it("never puts a packet together across noise", async () => {
    const bench = start(createNoninStreamDriver());
    for (let i = 0; i < 40; i++) {
      const packet = oximeter({ timer: i });
      bench.transport.send(packet.subarray(0, 60));
      bench.transport.send(Uint8Array.of(0x55, 0xaa));
      bench.transport.send(packet.subarray(60));
    }
    await unplugged(bench);
    expect(bench.sink.taken).toEqual([]);
  });

  it("takes nothing while the finger is out", async () => {
    const bench = start(createNoninStreamDriver());
    for (let i = 0; i < 40; i++) bench.transport.send(oximeter({ pulse: 511, spo2: 127, fingerRemoved: true }));
    await unplugged(bench);
    expect(bench.sink.taken).toEqual([]);
    expect(bench.sink.reports).toEqual([]);
  });
});

describe("oximeter spot check session", () => {
  it("acknowledges a record only when it is durable", async () => {
    const bench = start(createNoninSpotDriver());
    let release = (): void => undefined;
    bench.sink.beforeTake = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    bench.transport.send(spot());
    await bench.clock.advance(seconds(1));
    expect(bench.transport.written.map(toHex)).toEqual(["02720003"]);
    release();
    await until(() => bench.sink.taken.length === 1, "the record is taken");
    await until(() => bench.transport.written.length === 2, "it is acknowledged");
    expect(toHex(bench.transport.written[1] ?? new Uint8Array())).toBe("06");
    await unplugged(bench);
    expect(bench.sink.taken).toMatchObject([
      {
        kind: "pulse-oximetry",
        status: "final",
        supplemental: [150588],
        quality: [],
        time: { start: "2026-06-15T11:59:50.000Z", basis: "device-synced" },
      },
    ]);
  });

  it("does not acknowledge what the store refused, and says so by rejecting", async () => {
    const bench = start(createNoninSpotDriver());
    bench.sink.beforeTake = () => Promise.reject(new HubError("outbox-disk-full", "outbox append: disk full"));
    bench.transport.send(spot());
    await bench.clock.advance(seconds(1));
    await expect(bench.ended).rejects.toThrow("disk full");
    expect(bench.transport.written.map(toHex)).not.toContain("06");
  });

  it("corrects a record by the oximeter's own clock, and sets that clock", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(spot({ time: { year: 2026, month: 6, day: 15, hour: 3, minute: 0, second: 0 } }));
    await until(() => bench.transport.written.length === 1, "the clock is asked");
    await bench.clock.advance(millis(100));
    // 03:00:30 on the oximeter, 14:00:00 at home.
    bench.transport.send(fromHex("02f206 1a060f 03001e 03"));
    await until(() => bench.sink.taken.length === 1, "the record is taken");
    await unplugged(bench);
    expect(bench.sink.taken[0]?.time).toMatchObject({
      start: "2026-06-15T11:59:30.050Z",
      basis: "device-corrected",
      deviceRaw: { text: "2026-06-15T03:00:00" },
    });
    expect(bench.transport.written.map(toHex)).toContain("0272061a060f0e000003");
  });

  it("asks the clock once for a burst of stored records, and marks them", async () => {
    const bench = start(createNoninSpotDriver());
    const at = (minute: number): Uint8Array =>
      spot({ fromMemory: true, time: { year: 2026, month: 6, day: 15, hour: 3, minute, second: 0 } });
    for (const minute of [10, 20, 30]) bench.transport.send(at(minute));
    await until(() => bench.transport.written.length === 1, "the clock is asked");
    bench.transport.send(fromHex("02f206 1a060f 03280003"));
    await until(() => bench.sink.taken.length === 3, "all are taken");
    await unplugged(bench);
    expect(bench.transport.written.filter((bytes) => toHex(bytes) === "02720003")).toHaveLength(1);
    expect(bench.sink.taken.map((one) => one.time.start)).toEqual([
      "2026-06-15T11:30:00.000Z",
      "2026-06-15T11:40:00.000Z",
      "2026-06-15T11:50:00.000Z",
    ]);
    expect(bench.sink.taken.every((one) => one.quality.includes("stored"))).toBe(true);
  });

  it("is the same reading when the oximeter sends the record twice", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(spot());
    bench.transport.send(spot());
    await bench.clock.advance(seconds(1));
    await unplugged(bench);
    expect(bench.sink.taken).toHaveLength(2);
    expect(new Set(bench.sink.taken.map((one) => one.id)).size).toBe(1);
  });

  it("does not invent a time for an old record of an oximeter that does not tell its clock", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(spot({ time: { year: 2026, month: 6, day: 14, hour: 9, minute: 0, second: 0 } }));
    await bench.clock.advance(seconds(1));
    await unplugged(bench);
    expect(bench.sink.taken[0]?.time).toMatchObject({
      start: null,
      basis: "unknown",
      deviceRaw: { text: "2026-06-14T09:00:00" },
      faults: ["timeline-unknown"],
    });
  });

  it("says that a spot check did not succeed", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(spot({ pulse: 511, spo2: 127, lowBattery: true }));
    await bench.clock.advance(seconds(1));
    await unplugged(bench);
    expect(bench.sink.taken).toMatchObject([
      {
        status: "not-performed",
        values: [
          { value: null, absent: "unknown" },
          { value: null, absent: "unknown" },
        ],
        flags: ["low-battery"],
        quality: ["questionable"],
      },
    ]);
  });

  it("keeps raw stamp and monotonic time when the hub's clock is unset", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(0), state: "unset" });
    const bench = start(createNoninSpotDriver(), {}, clock);
    bench.transport.send(spot());
    await clock.advance(seconds(1));
    await unplugged(bench);
    expect(bench.sink.taken[0]?.time).toMatchObject({
      start: null,
      basis: "unknown",
      deviceRaw: { text: "2026-06-15T13:59:50" },
      received: { utc: null, bootId: "boot-simulated", monoMs: 0 },
    });
    expect(bench.transport.written.map(toHex).filter((hex) => hex.startsWith("027206"))).toEqual([]);
  });

  it("ends when it is told to, with what it has", async () => {
    const bench = start(createNoninSpotDriver());
    bench.transport.send(spot());
    await until(() => bench.transport.written.length === 1, "the clock is asked");
    bench.stop.abort();
    expect(await bench.ended).toEqual({ readings: 1, reason: "aborted" });
  });
});

describe("serial driver", () => {
  it("refuses a connection of another kind with the next step", async () => {
    const clock = createSimulatedClock();
    const transport = { ...createMemoryTransport(clock), kind: "ble" as const };
    const session = createAndScaleDriver().session(
      transport,
      createRecordingSink(),
      sessionContext(clock),
      new AbortController().signal,
    );
    await expect(session).rejects.toThrow(/catalogue entry/);
  });
});
