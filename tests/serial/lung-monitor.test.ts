import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { SessionContext } from "../../drivers/driver.ts";
import { createSerialSupervisor } from "../../drivers/serial/serial-supervisor.ts";
import { createVitalographSerialDriver } from "../../drivers/serial/vitalograph.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createLungMonitor, type LungMonitor } from "../../hardware-sim/serial/lung-monitor.ts";
import { createSerialLine } from "../../hardware-sim/serial/serial-line.ts";
import type { LungBlow } from "../../hardware-sim/serial/vitalograph-frames.ts";
import { until } from "../support/until.ts";
import { createRecordingSink } from "./recording-sink.ts";
import { sessionContext } from "./session-context.ts";

const BLOW: LungBlow = { pef: 0, fev075: 0, fev1: 363, fev6: 399, fef2575: 404 };

const cleanUp: (() => PromiseLike<unknown>)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const start = async () => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-lung-"));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const clock = createSystemClock();
  const home = createSimulatedClock();
  // Line and monitor need each other: the line calls back only after a hub has opened it.
  const hold: { monitor: LungMonitor | null } = { monitor: null };
  const line = await createSerialLine({
    path: join(folder, "monitor"),
    clock,
    chance: createChance(20_261_122),
    receive: (bytes) => hold.monitor?.receive(bytes),
  });
  cleanUp.push(() => line[Symbol.asyncDispose]());
  const monitor = createLungMonitor({
    clock,
    layout: "F",
    serial: "129406",
    // Two hours ahead of UTC: summer in Stockholm.
    localTime: () => home.now() + 7_200_000,
    line: () => line,
  });
  hold.monitor = monitor;
  cleanUp.push(() => monitor[Symbol.asyncDispose]());
  const sink = createRecordingSink();
  const context: SessionContext = { ...sessionContext(home), clock };
  const supervisor = createSerialSupervisor({
    port: { tag: "path", path: line.path },
    line: { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
    driver: createVitalographSerialDriver(),
    sink,
    context,
  });
  const stop = new AbortController();
  const running = supervisor.run(stop.signal);
  cleanUp.push(async () => {
    stop.abort();
    await running;
  });
  await until(() => line.settled, "the hub listens");
  return { line, monitor, sink };
};

it("reads a lung monitor on a real port, and its repetitions over a bad line are one reading each", async () => {
  const { line, monitor, sink } = await start();
  line.setFaults({ noise: 0.5, flip: 0.3, loss: 0.2 });
  for (let blow = 0; blow < 3; blow++) monitor.blow({ ...BLOW, fev1: BLOW.fev1 - blow });
  await until(() => monitor.waiting === 0, "every blow is acknowledged", 60_000);
  const told = new Map(sink.taken.map((one) => [one.idem, one]));
  expect([...told.values()].map(({ values }) => values.map(({ value }) => value))).toEqual([
    [3.63, 91],
    [3.62, 91],
    [3.61, 90],
  ]);
  expect(monitor.violations).toEqual([]);
}, 70_000);
