import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { ascii } from "./local-parts.ts";
import type { SerialLine } from "./serial-line.ts";
import type { SerialMeterOptions } from "./serial-meter.ts";

/** A line without a pty: `heard` and `disturbed` are what the test says. */
export const fakeLine = (state: { heard: boolean; disturbed: boolean }) => {
  const sent: string[] = [];
  const line: SerialLine = {
    path: "/dev/none",
    plugged: true,
    settled: true,
    pty: null,
    send: async (message) => {
      if (state.heard) sent.push(toHex(message));
      return { ...state, early: false };
    },
    setFaults: () => undefined,
    unplug: async () => undefined,
    plug: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { line, sent };
};

/** A meter on a line without a pty, at 2026-06-15 12:00:00 of local time. For tests. */
export const meterBench = <M extends { receive(bytes: Uint8Array): void }>(
  create: (options: SerialMeterOptions) => M,
) => {
  const clock = createSimulatedClock();
  const state = { heard: true, disturbed: false };
  const { line, sent } = fakeLine(state);
  const meter = create({ clock, localTime: () => clock.now(), line: () => line });
  const settle = async (): Promise<readonly string[]> => {
    await clock.advance(millis(0));
    return sent.splice(0);
  };
  return {
    clock,
    state,
    meter,
    /** What the meter said meanwhile, one hex text a write. */
    settle,
    /** What it says to these bytes. */
    ask: (hex: string): Promise<readonly string[]> => {
      meter.receive(fromHex(hex));
      return settle();
    },
    /** The same in letters, both ways. */
    askText: async (text: string): Promise<readonly string[]> => {
      meter.receive(ascii(text));
      return (await settle()).map((hex) => Buffer.from(fromHex(hex)).toString("latin1"));
    },
  };
};
