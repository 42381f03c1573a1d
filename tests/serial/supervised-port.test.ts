import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { SessionContext } from "../../drivers/driver.ts";
import { createAndScaleDriver } from "../../drivers/serial/and-scale.ts";
import { createSerialSupervisor, type SerialSupervisor } from "../../drivers/serial/serial-supervisor.ts";
import { openSerialTransport } from "../../drivers/serial/serial-transport.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { openPty } from "../../hardware-sim/pty/pty.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { aanddLine } from "../../hardware-sim/serial/scale-lines.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { until } from "../support/until.ts";
import { createRecordingSink, type RecordingSink } from "./recording-sink.ts";
import { sessionContext } from "./session-context.ts";

const LINE = { baudRate: 2400, dataBits: 7, parity: "even", stopBits: 1 } as const;

const cleanUp: (() => PromiseLike<unknown>)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** Timers on the machine's clock, stamps on a simulated one. */
const realContext = (): SessionContext => ({ ...sessionContext(createSimulatedClock()), clock: createSystemClock() });

interface Bench {
  readonly cable: SerialLine;
  readonly sink: RecordingSink;
  readonly supervisor: SerialSupervisor;
}

const start = async (): Promise<Bench> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-serial-"));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const cable = await createSerialLine({
    path: join(folder, "scale"),
    clock: createSystemClock(),
    chance: createChance(1),
  });
  cleanUp.push(() => cable[Symbol.asyncDispose]());
  const sink = createRecordingSink();
  const supervisor = createSerialSupervisor({
    port: { tag: "path", path: cable.path },
    line: LINE,
    driver: createAndScaleDriver(),
    sink,
    context: realContext(),
  });
  const stop = new AbortController();
  const running = supervisor.run(stop.signal);
  cleanUp.push(async () => {
    stop.abort();
    await running;
  });
  await until(() => supervisor.status().state === "listening", "the port is open");
  return { cable, sink, supervisor };
};

describe("a supervised scale on a real serial port", () => {
  it("is read again after its cable was pulled, also in the middle of a line", async () => {
    const { cable, sink, supervisor } = await start();
    await cable.send(aanddLine("ST", 8270).bytes);
    await until(() => sink.taken.length === 1, "the first weight is taken");

    await cable.send(aanddLine("ST", 9999).bytes.subarray(0, 9));
    await cable.unplug();
    await until(() => supervisor.status().state !== "listening", "the supervisor notices");
    await until(() => supervisor.status().fault?.code === "serial-absent", "the absence is known");

    await cable.plug();
    await until(() => supervisor.status().state === "listening", "the port is open again");
    await cable.send(aanddLine("ST", 6120).bytes);
    await until(() => sink.taken.length === 2, "the second weight is taken");
    expect(sink.taken.map((one) => one.values[0]?.value)).toEqual([82.7, 61.2]);
  });

  it("is read again after a quick replug under the same name", async () => {
    const { cable, sink, supervisor } = await start();
    await cable.unplug();
    await cable.plug();
    await until(async () => {
      if (supervisor.status().state === "listening") await cable.send(aanddLine("ST", 8270).bytes);
      return sink.taken.length > 0;
    }, "a weight is taken over the new port");
    expect(sink.taken[0]?.values[0]?.value).toBe(82.7);
  });
});

describe("opening a real serial port", () => {
  const open = (path: string): ReturnType<typeof openSerialTransport> =>
    openSerialTransport(
      { port: { tag: "path", path }, line: LINE, time: createSimulatedClock(), clock: createSystemClock() },
      new AbortController().signal,
    );

  it("finds a port busy that somebody else has open", async () => {
    const pty = await openPty();
    cleanUp.push(() => pty.close());
    const first = await open(pty.path);
    cleanUp.push(() => first[Symbol.asyncDispose]());
    await expect(open(pty.path)).rejects.toMatchObject({
      code: "serial-busy",
      message: `serial port ${pty.path}: another program has it open; stop that program, or correct the port's name`,
    });
  });

  it("finds a port absent that is not there", async () => {
    await expect(open("/dev/serial/by-id/usb-none")).rejects.toMatchObject({
      code: "serial-absent",
      message: expect.stringMatching(/^serial port \/dev\/serial\/by-id\/usb-none: not there; connect/),
    });
  });

  it("says what is wrong with a file that is no serial port", async () => {
    await expect(open("/dev/null")).rejects.toMatchObject({
      code: "serial-absent",
      message: expect.stringMatching(/check that it is a serial port/),
    });
  });

  it("lets a port be opened again once it is closed", async () => {
    const pty = await openPty();
    cleanUp.push(() => pty.close());
    for (let i = 0; i < 3; i++) {
      const transport = await open(pty.path);
      await transport[Symbol.asyncDispose]();
    }
  });

  it("does not open for a signal that is aborted", async () => {
    const opening = openSerialTransport(
      {
        port: { tag: "path", path: "/dev/null" },
        line: LINE,
        time: createSimulatedClock(),
        clock: createSystemClock(),
      },
      AbortSignal.abort(new Error("stopped by the test")),
    );
    await expect(opening).rejects.toThrow("stopped by the test");
  });

  it("ends with an error, never in silence, when nobody takes what arrives", async () => {
    const pty = await openPty();
    cleanUp.push(() => pty.close());
    const transport = await open(pty.path);
    cleanUp.push(() => transport[Symbol.asyncDispose]());
    await Promise.race([
      pty.write(new Uint8Array(100_000)),
      until(() => transport.lost.aborted, "the transport gives up"),
    ]);
    await until(() => transport.lost.aborted, "the transport gives up");
    expect(transport.lost.reason).toMatchObject({ code: "serial-closed" });
    expect(String(transport.lost.reason)).toMatch(/nobody takes them/);
    let bytes = 0;
    for await (const received of transport.incoming) bytes += received.bytes.length;
    expect(bytes).toBeGreaterThan(60_000);
    expect(bytes).toBeLessThanOrEqual(65_536);
  });
});
