import { openSerialTransport } from "../../drivers/serial/serial-transport.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import { openPty } from "../../hardware-sim/pty/pty.ts";
import { type TransportUnderTest, transportContract } from "../contract/transport.ts";

const LINE = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;

const overPty = async (): Promise<TransportUnderTest> => {
  const pty = await openPty();
  const transport = await openSerialTransport(
    { port: { tag: "path", path: pty.path }, line: LINE, time: createSimulatedClock(), clock: createSystemClock() },
    new AbortController().signal,
  );
  const written: number[] = [];
  const reading = (async (): Promise<void> => {
    for await (const bytes of pty.incoming) written.push(...bytes);
  })();
  return {
    transport,
    send: async (bytes) => {
      await pty.write(bytes);
    },
    written: () => Uint8Array.from(written),
    breakOff: () => pty.close(),
    [Symbol.asyncDispose]: async () => {
      await transport[Symbol.asyncDispose]();
      await pty.close();
      await reading;
    },
  };
};

const inMemory = async (): Promise<TransportUnderTest> => {
  const transport = createMemoryTransport(createSimulatedClock());
  return {
    transport,
    send: async (bytes) => transport.send(bytes),
    written: () => Uint8Array.from(transport.written.flatMap((bytes) => [...bytes])),
    breakOff: async () => transport.unplug(),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
};

transportContract("a serial port over a pty", overPty);
transportContract("the simulated serial transport", inMemory);
