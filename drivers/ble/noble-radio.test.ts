import { SerialPort } from "serialport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { createAir } from "../../hardware-sim/radio/air.ts";
import { createVirtualController } from "../../hardware-sim/radio/virtual-controller.ts";
import type { BleRadio } from "../../protocol/ports/radio.ts";
import { seconds } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import type { BleAdapter } from "./adapter.ts";
import { createNobleRadio } from "./noble-radio.ts";

const never = new AbortController().signal;

let clock: SimulatedClock;
let line: Pty;
const radios: BleRadio[] = [];

const radioOn = (adapter: BleAdapter): BleRadio => {
  const radio = createNobleRadio({ adapter, clock, time: clock, logger: silentLogger });
  radios.push(radio);
  return radio;
};
const uart = (path: string): BleAdapter => ({ type: "uart", path, baudRate: 115_200 });

const failed = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );

/** A reader of the line that has it to itself. */
const takeLine = (): Promise<SerialPort> =>
  new Promise((resolve, reject) => {
    const port: SerialPort = new SerialPort({ path: line.path, baudRate: 115_200 }, (error) =>
      error === null ? resolve(port) : reject(error),
    );
  });

beforeEach(async () => {
  clock = createSimulatedClock();
  line = await openPty({ unread: "keep" });
});
afterEach(async () => {
  for (const radio of radios.splice(0)) await radio[Symbol.asyncDispose]();
  await line.close();
});

describe("a radio without an adapter", () => {
  it("is off, and says so, before it is started", async () => {
    const radio = radioOn(uart(line.path));
    expect([radio.state, radio.trouble]).toEqual(["off", expect.stringContaining("not started")]);
    expect(await failed(radio.scan(never)[Symbol.asyncIterator]().next())).toMatchObject({ code: "adapter-absent" });
  });

  it("says that the port is not there, and how to go on", async () => {
    const radio = radioOn(uart("/dev/ttyNOWHERE0"));
    const thrown = await failed(radio.start(never));
    expect(thrown).toMatchObject({
      code: "adapter-absent",
      message: "Bluetooth adapter /dev/ttyNOWHERE0: there is no such port; plug the adapter in, or correct `path`",
    });
    expect([radio.state, radio.trouble]).toEqual(["absent", (thrown as Error).message]);
  });

  it("says that another program has the port, and starts when that has let go", async () => {
    const other = await takeLine();
    const radio = radioOn(uart(line.path));
    expect(await failed(radio.start(never))).toMatchObject({
      code: "adapter-absent",
      message: expect.stringContaining("another program has the port open; stop that program"),
    });
    await new Promise((resolve) => other.close(resolve));
    const air = createAir({ clock, seed: 1 });
    await using controller = createVirtualController({ line, air, address: radioAddress("00:1b:dc:07:32:10") });
    await radio.start(never);
    expect([radio.state, radio.trouble, controller.unknownCommands.size]).toEqual(["ready", null, 0]);
  });

  it("says that there is no such local adapter", async () => {
    const radio = radioOn({ type: "hci", device: 240 });
    expect(await failed(radio.start(never))).toMatchObject({
      code: "adapter-absent",
      // Which of these depends on the machine.
      message: expect.stringMatching(
        /^Bluetooth adapter hci240: (this kernel has no Bluetooth|there is no such adapter|this user may not use it)/,
      ),
    });
    expect(radio.state).toBe("absent");
  });

  it("leaves no listener on the process when it cannot start", async () => {
    const count = (): number[] => ["SIGINT", "exit"].map((event) => process.listenerCount(event));
    const before = count();
    for (let i = 0; i < 5; i++) {
      await failed(radioOn(uart("/dev/ttyNOWHERE0")).start(never));
      await failed(radioOn({ type: "hci", device: 240 }).start(never));
    }
    expect(count()).toEqual(before);
  });
});

describe("a radio with an adapter that does not answer", () => {
  it("waits 10 s for it, says what to check, and lets go of the port", async () => {
    const radio = radioOn(uart(line.path));
    const starting = failed(radio.start(never));
    await until(() => clock.sleeping === 1, "the radio waits");
    await clock.advance(seconds(9.9));
    expect(radio.state).toBe("starting");
    await clock.advance(seconds(0.2));
    expect(await starting).toMatchObject({
      code: "adapter-wedged",
      message: expect.stringMatching(/no answer to HCI reset in 10 s; check `baudRate`/),
    });
    expect(radio.state).toBe("wedged");
    const next = await takeLine();
    await new Promise((resolve) => next.close(resolve));
  });

  it("starts when it answers after all", async () => {
    const radio = radioOn(uart(line.path));
    const starting = failed(radio.start(never));
    await until(() => clock.sleeping === 1, "the radio waits");
    await clock.advance(seconds(11));
    await starting;
    const air = createAir({ clock, seed: 1 });
    await using _controller = createVirtualController({ line, air, address: radioAddress("00:1b:dc:07:32:10") });
    await radio.start(never);
    expect([radio.state, radio.trouble]).toEqual(["ready", null]);
  });

  it("stops waiting when it is told to", async () => {
    const radio = radioOn(uart(line.path));
    const stop = new AbortController();
    const starting = failed(radio.start(stop.signal));
    await until(() => clock.sleeping === 1, "the radio waits");
    expect(await failed(radio.start(never))).toMatchObject({ code: "invalid-argument" });
    stop.abort(new Error("stopped by the test"));
    expect(await starting).toMatchObject({ message: "stopped by the test" });
    expect(radio.state).toBe("off");
  });
});
