import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBleLink, type MemoryBleLink } from "../../hardware-sim/ports/memory-ble-link.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { channelId, SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Received, Transport } from "../../protocol/ports/transport.ts";
import { seconds } from "../../protocol/time.ts";
import { transportContract } from "../../tests/contract/transport.ts";
import { until } from "../../tests/support/until.ts";
import { openTerminal, TERMINAL_IO } from "./terminal-io.ts";

const { dataIn, dataOut, creditsIn, creditsOut } = TERMINAL_IO;
const SERVICE = "fefb";
const never = new AbortController().signal;

const open = async () => {
  const clock = createSimulatedClock();
  const link = createMemoryBleLink({
    clock,
    characteristics: [
      { service: SERVICE, channel: dataIn, properties: ["write", "write-without-response"] },
      { service: SERVICE, channel: dataOut, properties: ["notify"] },
      { service: SERVICE, channel: creditsIn, properties: ["write"] },
      { service: SERVICE, channel: creditsOut, properties: ["indicate"] },
    ],
  });
  const terminal = await openTerminal(link, clock, never);
  return { clock, link, terminal };
};

const operations = (link: MemoryBleLink, tag: string, channel: string): string[] =>
  link.operations
    .filter((one) => one.tag === tag && one.channel === channel)
    .map(({ bytes }) => toHex(bytes ?? new Uint8Array()));

const taking = (terminal: Transport) => {
  const taken: Received[] = [];
  const ended = (async () => {
    for await (const received of terminal.incoming) taken.push(received);
  })();
  return { taken, ended };
};

transportContract("a line of Terminal I/O", async () => {
  const { link, terminal } = await open();
  link.indicate(creditsOut, Uint8Array.of(64));
  return {
    transport: terminal,
    send: async (bytes) => {
      for (let at = 0; at < bytes.length; at += 20) link.indicate(dataOut, bytes.subarray(at, at + 20));
    },
    written: () => fromHex(operations(link, "write", dataIn).join("")),
    breakOff: async () => link.drop(),
    [Symbol.asyncDispose]: () => terminal[Symbol.asyncDispose](),
  };
});

describe("Terminal I/O", () => {
  it("has the identifiers of Telit's client", () => {
    expect(dataIn).toBe("00000001-0000-1000-8000-008025000000".replaceAll("-", ""));
    expect(creditsOut).toBe("00000004-0000-1000-8000-008025000000".replaceAll("-", ""));
  });

  it("subscribes to credits and data, and then grants 64 credits", async () => {
    const { link } = await open();
    expect(link.operations).toMatchObject([
      { tag: "subscribe", channel: creditsOut },
      { tag: "subscribe", channel: dataOut },
      { tag: "write", channel: creditsIn, bytes: Uint8Array.of(64) },
    ]);
  });

  it("refuses a sensor without the service, with what to check", async () => {
    const clock = createSimulatedClock();
    const link = createMemoryBleLink({ clock, characteristics: [] });
    await expect(openTerminal(link, clock, never)).rejects.toMatchObject({
      code: "sensor-unknown",
      message: expect.stringContaining("check that it is the model it is enrolled as"),
    });
  });

  it("hands out data as it comes, also what came before anybody asked", async () => {
    const { link, terminal } = await open();
    link.indicate(dataOut, Uint8Array.of(1, 2));
    link.indicate(dataOut, Uint8Array.of(3));
    const { taken, ended } = taking(terminal);
    await until(() => taken.length === 2, "both pieces came");
    expect(taken.map(({ channel, bytes }) => [channel, toHex(bytes)])).toEqual([
      [SERIAL_CHANNEL, "0102"],
      [SERIAL_CHANNEL, "03"],
    ]);
    link.drop();
    await ended;
    expect(terminal.lost.aborted).toBe(true);
  });

  it("fills the sensor's credits up before they are used, for ever", async () => {
    const { link, terminal } = await open();
    const { taken } = taking(terminal);
    for (let packet = 1; packet <= 480; packet++) {
      link.indicate(dataOut, Uint8Array.of(packet & 0xff));
      await until(() => taken.length === packet, "the packet came");
    }
    // 64 at first, 48 after every 48th packet.
    await until(() => operations(link, "write", creditsIn).length === 11, "the last grant went out");
    expect(operations(link, "write", creditsIn)).toEqual(["40", ...Array.from({ length: 10 }, () => "30")]);
  });

  it("writes nothing before the sensor has granted credits, and one packet of 20 octets for each", async () => {
    const { link, terminal } = await open();
    const message = Uint8Array.from({ length: 45 }, (_, at) => at);
    const writing = terminal.write(SERIAL_CHANNEL, message, never);
    link.indicate(creditsOut, Uint8Array.of(2));
    await until(() => operations(link, "write", dataIn).length === 2, "two packets went out");
    expect(operations(link, "confirm", creditsOut)).toHaveLength(1);
    link.indicate(creditsOut, Uint8Array.of(5));
    await writing;
    expect(operations(link, "write", dataIn).map((hex) => hex.length / 2)).toEqual([20, 20, 5]);
    expect(operations(link, "write", dataIn).join("")).toBe(toHex(message));
  });

  it("gives up writing after 10 s without credits, and can write later", async () => {
    const { clock, link, terminal } = await open();
    const failing = expect(terminal.write(SERIAL_CHANNEL, Uint8Array.of(6), never)).rejects.toMatchObject({
      code: "ble-timeout",
    });
    await clock.advance(seconds(10));
    await failing;
    link.indicate(creditsOut, Uint8Array.of(1));
    await terminal.write(SERIAL_CHANNEL, Uint8Array.of(6), never);
    expect(operations(link, "write", dataIn)).toEqual(["06"]);
  });

  it("stops waiting for credits when the link is lost or the signal aborts", async () => {
    const lost = await open();
    const onLost = expect(lost.terminal.write(SERIAL_CHANNEL, Uint8Array.of(6), never)).rejects.toMatchObject({
      code: "ble-disconnected",
    });
    lost.link.drop();
    await onLost;
    const stopped = await open();
    const stop = new AbortController();
    const onStop = expect(stopped.terminal.write(SERIAL_CHANNEL, Uint8Array.of(6), stop.signal)).rejects.toThrow(
      "enough",
    );
    stop.abort(new Error("enough"));
    await onStop;
  });

  it("ignores credits that are empty or too many, and confirms what else comes", async () => {
    const { link, terminal } = await open();
    link.indicate(creditsOut, new Uint8Array());
    link.indicate(creditsOut, Uint8Array.of(255));
    link.indicate("2a19", Uint8Array.of(50));
    await until(() => operations(link, "confirm", channelId("2a19")).length === 1, "all was looked at");
    await terminal.write(SERIAL_CHANNEL, new Uint8Array(64 * 20), never);
    expect(operations(link, "write", dataIn)).toHaveLength(64);
  });

  it("ends its line when it is closed, and leaves the link to its owner", async () => {
    const { link, terminal } = await open();
    const { ended } = taking(terminal);
    await terminal[Symbol.asyncDispose]();
    await ended;
    expect(link.lost.aborted).toBe(false);
  });
});
