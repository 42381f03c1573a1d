import { describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { createRecordingSink, type RecordingSink } from "../../tests/serial/recording-sink.ts";
import { sessionContext } from "../../tests/serial/session-context.ts";
import type { SensorDriver } from "../driver.ts";
import { createAndScaleDriver } from "./and-scale.ts";
import type { SerialBinding, SerialPortRef } from "./serial-port-ref.ts";
import { createSerialSupervisor, type SerialSupervisor } from "./serial-supervisor.ts";

const LINE = { baudRate: 2400, dataBits: 7, parity: "even", stopBits: 1 } as const;
const PATH: SerialPortRef = { tag: "path", path: "/dev/test-scale" };

/** A port that opens and then stays silent until it is closed. */
const silentPort = (): object => {
  let cancel = (_reason: unknown): void => undefined;
  const port = {
    isOpen: true,
    openOptions: {},
    close: async () => {
      port.isOpen = false;
      cancel(Object.assign(new Error("Port is not open"), { canceled: true }));
    },
    read: () =>
      new Promise((_resolve, reject) => {
        cancel = reject;
      }),
  };
  return port;
};

interface Bench {
  readonly clock: SimulatedClock;
  readonly sink: RecordingSink;
  readonly supervisor: SerialSupervisor;
  readonly attempts: number[];
  /** What the next attempts to open meet: null opens. */
  fault: string | null;
  stop(): Promise<void>;
}

const start = (
  fault: string | null,
  options: { driver?: SensorDriver<unknown>; ports?: SerialBinding["list"]; port?: SerialPortRef } = {},
): Bench => {
  const clock = createSimulatedClock();
  const sink = createRecordingSink();
  const attempts: number[] = [];
  const binding: SerialBinding = {
    list: options.ports ?? (async () => []),
    open: async () => {
      attempts.push(clock.elapsed());
      if (bench.fault !== null) throw new Error(bench.fault);
      return silentPort();
    },
  };
  const supervisor = createSerialSupervisor({
    port: options.port ?? PATH,
    line: LINE,
    driver: options.driver ?? createAndScaleDriver(),
    sink,
    context: sessionContext(clock),
    binding,
  });
  const stopping = new AbortController();
  const running = supervisor.run(stopping.signal);
  const bench: Bench = {
    clock,
    sink,
    supervisor,
    attempts,
    fault,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
  return bench;
};

const NOT_THERE = "Error: No such file or directory, cannot open /dev/test-scale";
const LOCKED = "Error Resource temporarily unavailable Cannot lock port";

describe("serial supervisor", () => {
  it("tries again after 0.5, 1, 2, 4, 8, 16 s, then every 30 s", async () => {
    const bench = start(NOT_THERE);
    await bench.clock.advance(seconds(100));
    expect(bench.attempts).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500, 61_500, 91_500]);
    await bench.stop();
  });

  it("says in one sentence that the port is not there, and reports it once", async () => {
    const bench = start(NOT_THERE);
    await bench.clock.advance(minutes(30));
    expect(bench.supervisor.status()).toEqual({
      state: "waiting",
      port: "/dev/test-scale",
      fault: {
        code: "serial-absent",
        message: "serial port /dev/test-scale: not there; connect the sensor's cable, or correct the port's name",
      },
      readings: 0,
    });
    expect(bench.sink.reports).toMatchObject([{ code: "serial-fault", detail: { code: "serial-absent" } }]);
    await bench.stop();
  });

  it("reports again after an hour", async () => {
    const bench = start(NOT_THERE);
    await bench.clock.advance(minutes(125));
    expect(bench.sink.reports).toHaveLength(3);
    await bench.stop();
  });

  it("tells a busy port from an absent one", async () => {
    const bench = start(LOCKED);
    await bench.clock.advance(seconds(1));
    expect(bench.supervisor.status().fault).toMatchObject({
      code: "serial-busy",
      message: expect.stringMatching(/another program has it open; stop that program/),
    });
    bench.fault = NOT_THERE;
    await bench.clock.advance(seconds(60));
    expect(bench.sink.reports.map((report) => report.detail.code)).toEqual(["serial-busy", "serial-absent"]);
    await bench.stop();
  });

  it("listens once the port is there, without a fault left", async () => {
    const bench = start(NOT_THERE);
    await bench.clock.advance(seconds(1));
    bench.fault = null;
    await bench.clock.advance(seconds(5));
    expect(bench.supervisor.status()).toMatchObject({ state: "listening", fault: null });
    await bench.stop();
    expect(bench.supervisor.status().state).toBe("stopped");
  });

  it("waits with the sensor while the store refuses, and reports nothing of its own about it", async () => {
    const refusing: SensorDriver<unknown> = {
      ...createAndScaleDriver(),
      session: async () => {
        throw new HubError("outbox-disk-full", "outbox append: disk full");
      },
    };
    const bench = start(null, { driver: refusing });
    await bench.clock.advance(seconds(3));
    expect(bench.supervisor.status()).toMatchObject({ state: "waiting", fault: { code: "outbox-disk-full" } });
    expect(bench.attempts.length).toBeGreaterThan(1);
    expect(bench.sink.reports).toEqual([]);
    await bench.stop();
  });

  it("starts the waiting from the beginning after a connection that lasted", async () => {
    let sessions = 0;
    const short: SensorDriver<unknown> = {
      ...createAndScaleDriver(),
      session: async (_transport, _sink, context, signal) => {
        sessions += 1;
        await context.clock.sleep(sessions === 4 ? seconds(20) : millis(0), signal);
        return { readings: 0, reason: "disconnected" };
      },
    };
    const bench = start(null, { driver: short });
    await bench.clock.advance(seconds(25));
    const gaps = bench.attempts.slice(1).map((at, index) => at - (bench.attempts[index] ?? 0));
    expect(gaps.slice(0, 5)).toEqual([500, 1000, 2000, 20_500, 1000]);
    await bench.stop();
  });

  it("does not survive a broken invariant", async () => {
    const broken: SensorDriver<unknown> = {
      ...createAndScaleDriver(),
      session: async () => {
        throw new TypeError("undefined is not a function");
      },
    };
    const clock = createSimulatedClock();
    const supervisor = createSerialSupervisor({
      port: PATH,
      line: LINE,
      driver: broken,
      sink: createRecordingSink(),
      context: sessionContext(clock),
      binding: { list: async () => [], open: async () => silentPort() },
    });
    await expect(supervisor.run(new AbortController().signal)).rejects.toThrow(TypeError);
  });
});

describe("a port by its USB identity", () => {
  const USB: SerialPortRef = { tag: "usb", vendor: "0403", product: "6001", serialNumber: "A5XK3RJT" };
  const adapter = (path: string, serialNumber: string): object => ({
    path,
    vendorId: "0403",
    productId: "6001",
    serialNumber,
  });

  it("is found under whatever name it has after a replug", async () => {
    let name = "/dev/ttyUSB0";
    const opened: string[] = [];
    const clock = createSimulatedClock();
    const stopping = new AbortController();
    const supervisor = createSerialSupervisor({
      port: USB,
      line: LINE,
      driver: {
        ...createAndScaleDriver(),
        session: async () => ({ readings: 0, reason: "disconnected" }),
      },
      sink: createRecordingSink(),
      context: sessionContext(clock),
      binding: {
        list: async () => [adapter("/dev/ttyUSB7", "OTHER"), adapter(name, "A5XK3RJT")] as never,
        open: async ({ path }) => {
          opened.push(path);
          return silentPort();
        },
      },
    });
    const running = supervisor.run(stopping.signal);
    await clock.advance(millis(100));
    name = "/dev/ttyUSB3";
    await clock.advance(millis(500));
    stopping.abort();
    await running;
    expect(opened).toEqual(["/dev/ttyUSB0", "/dev/ttyUSB3"]);
  });

  it("says which adapter is not plugged in", async () => {
    const bench = start(null, { port: USB });
    await bench.clock.advance(seconds(1));
    expect(bench.supervisor.status().fault?.message).toBe(
      "serial port USB 0403:6001 number A5XK3RJT: not plugged in; connect the sensor's cable",
    );
    await bench.stop();
  });

  it("asks for the serial number when two adapters are alike", async () => {
    const bench = start(null, {
      port: { ...USB, serialNumber: null },
      ports: async () => [adapter("/dev/ttyUSB0", "A"), adapter("/dev/ttyUSB1", "B")] as never,
    });
    await bench.clock.advance(seconds(1));
    expect(bench.supervisor.status().fault?.message).toMatch(/2 ports answer to it; add the adapter's serial number/);
    await bench.stop();
  });
});
