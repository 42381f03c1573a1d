import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBleLink, type MemoryCharacteristic } from "../../hardware-sim/ports/memory-ble-link.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { vitalographTestFrame } from "../../hardware-sim/serial/vitalograph-frames.ts";
import { toHex } from "../../protocol/bytes.ts";
import { createRecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import { until } from "../../tests/support/until.ts";
import { TERMINAL_IO } from "./terminal-io.ts";
import { createVitalographBleDriver } from "./vitalograph.ts";

const FRAME = vitalographTestFrame(
  "G",
  "185100",
  { pef: 332, fev075: 287, fev1: 323, fev6: 423, fef2575: 275 },
  Date.UTC(2026, 5, 15, 13, 59, 50),
);

const LINE: readonly MemoryCharacteristic[] = [
  { service: "fefb", channel: TERMINAL_IO.dataIn, properties: ["write"] },
  { service: "fefb", channel: TERMINAL_IO.dataOut, properties: ["notify"] },
  { service: "fefb", channel: TERMINAL_IO.creditsIn, properties: ["write"] },
  { service: "fefb", channel: TERMINAL_IO.creditsOut, properties: ["indicate"] },
];

const text = (channel: string, value: string): MemoryCharacteristic => ({
  service: "180a",
  channel,
  properties: ["read"],
  value: () => Uint8Array.from(Buffer.from(value)),
});

const start = (more: readonly MemoryCharacteristic[] = []) => {
  const clock = createSimulatedClock();
  const link = createMemoryBleLink({ clock, characteristics: [...LINE, ...more], address: "00:80:25:d8:5a:5b" });
  const sink = createRecordingSink();
  const stop = new AbortController();
  const ended = createVitalographBleDriver().session(link, sink, sessionContext(clock), stop.signal);
  ended.catch(() => undefined);
  const say = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += 20) link.indicate(TERMINAL_IO.dataOut, bytes.subarray(at, at + 20));
  };
  const acknowledgements = (): number =>
    link.operations.filter(({ tag, channel }) => tag === "write" && channel === TERMINAL_IO.dataIn).length;
  return { clock, link, sink, stop, ended, say, acknowledgements };
};

describe("lung monitor over Bluetooth Low Energy", () => {
  it("takes a blow that comes in packets, under the sensor's address, and acknowledges it", async () => {
    const { link, sink, ended, say, acknowledgements } = start();
    link.indicate(TERMINAL_IO.creditsOut, Uint8Array.of(8));
    say(FRAME);
    await until(() => acknowledgements() === 1, "the monitor is told");
    link.drop();
    expect(await ended).toEqual({ readings: 1, reason: "disconnected" });
    expect(sink.taken).toMatchObject([
      {
        kind: "spirometry",
        values: [{ value: 332 }, { value: 3.23 }, { value: 76 }],
        time: { start: "2026-06-15T11:59:50.000Z", basis: "device-synced" },
        device: { manufacturer: "Maker", serial: "0000185100" },
        provenance: { transport: "ble", rawHex: toHex(FRAME) },
      },
    ]);
  });

  it("adds what the sensor tells about itself", async () => {
    const { link, sink, ended, say } = start([text("2a26", "961"), text("2a29", "Vitalograph")]);
    await until(
      () => link.operations.filter(({ tag }) => tag === "read").length === 2,
      "firmware and manufacturer are read",
    );
    say(FRAME);
    await until(() => sink.taken.length === 1, "the blow is taken");
    link.drop();
    await ended;
    expect(sink.taken[0]?.device).toMatchObject({ firmware: "961", manufacturer: "Vitalograph" });
  });

  it("takes a blow even when the monitor never lets the hub acknowledge it", async () => {
    const { link, sink, ended, say, acknowledgements } = start();
    say(FRAME);
    await until(() => sink.taken.length === 1, "the blow is taken");
    link.drop();
    expect(await ended).toEqual({ readings: 1, reason: "disconnected" });
    expect(acknowledgements()).toBe(0);
  });

  it("takes nothing of a blow whose link broke in the middle, wherever", async () => {
    for (let length = 0; length < FRAME.length; length += 7) {
      const { link, sink, ended, say } = start();
      say(FRAME.subarray(0, length));
      link.drop();
      expect(await ended, `${length} octets`).toEqual({ readings: 0, reason: "disconnected" });
      expect(sink.taken, `${length} octets`).toEqual([]);
    }
  });

  it("ends when it is told to, before and after its line is open", async () => {
    const early = start();
    early.stop.abort();
    expect(await early.ended).toEqual({ readings: 0, reason: "aborted" });
    const late = start();
    late.say(FRAME);
    await until(() => late.sink.taken.length === 1, "the blow is taken");
    late.stop.abort();
    expect(await late.ended).toEqual({ readings: 1, reason: "aborted" });
  });

  it("is for Bluetooth Low Energy only, and says so", async () => {
    const clock = createSimulatedClock();
    const driver = createVitalographBleDriver();
    const session = driver.session(
      createMemoryTransport(clock),
      createRecordingSink(),
      sessionContext(clock),
      new AbortController().signal,
    );
    await expect(session).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
