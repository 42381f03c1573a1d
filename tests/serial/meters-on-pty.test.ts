import { mkdtemp, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { SensorDriver } from "../../drivers/driver.ts";
import { driverOf } from "../../drivers/registry.ts";
import { createSerialSupervisor, type SerialSupervisor } from "../../drivers/serial/serial-supervisor.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { openPty } from "../../hardware-sim/pty/pty.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createSerialLine, type SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { minutes } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { firstValueOf } from "./meter-contract.ts";
import { PLAYED_METERS, type PlayedMeter } from "./played-meters.ts";
import { createRecordingSink, type RecordingSink } from "./recording-sink.ts";
import { sessionContext } from "./session-context.ts";

const cleanUp: (() => PromiseLike<unknown>)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

interface Bench extends PlayedMeter {
  readonly line: SerialLine;
  readonly sink: RecordingSink;
  readonly supervisor: SerialSupervisor;
  values(): readonly number[];
}

const start = async (driver: SensorDriver<unknown>, create: (typeof PLAYED_METERS)[string]): Promise<Bench> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-meter-"));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const clock = createSystemClock();
  const stamps = createSimulatedClock();
  const hold: { receive: (bytes: Uint8Array) => void; afterMessage: () => void } = {
    receive: () => undefined,
    afterMessage: () => undefined,
  };
  const line = await createSerialLine({
    path: join(folder, "meter"),
    clock,
    chance: createChance(1),
    receive: (bytes) => hold.receive(bytes),
  });
  cleanUp.push(() => line[Symbol.asyncDispose]());
  let shown = stamps.now() + 2 * 3_600_000;
  const played = create({ clock, localTime: () => shown, line: () => line });
  hold.receive = (bytes) => played.meter.receive(bytes);
  cleanUp.push(() => played.meter[Symbol.asyncDispose]());
  const sink = createRecordingSink();
  const supervisor = createSerialSupervisor({
    port: { tag: "path", path: line.path },
    line: { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
    driver,
    sink,
    context: { ...sessionContext(stamps), clock },
  });
  const stop = new AbortController();
  const running = supervisor.run(stop.signal);
  cleanUp.push(async () => {
    stop.abort();
    await running;
  });
  return {
    ...played,
    measure: (value) => {
      played.measure(value);
      // A minute later for the next one, for meter and hub alike.
      shown += minutes(1);
      stamps.setWallClock((shown - 2 * 3_600_000) as never);
    },
    line,
    sink,
    supervisor,
    values: () => [...new Map(sink.taken.map((one) => [one.idem, one])).values()].map(firstValueOf).toSorted(),
  };
};

const range = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => from + at);

describe.each(Object.entries(PLAYED_METERS))("%s on a real serial port", (id, create) => {
  it("is read, and goes on after its cable was pulled and came back as another device", async () => {
    const driver = driverOf(id);
    if (driver === undefined) throw new Error(`no driver ${id}`);
    const bench = await start(driver, create);
    for (const value of range(100, 30)) bench.measure(value);
    await until(() => bench.sink.taken.length >= 16, "the first batch is taken");
    const before = await readlink(bench.line.path);
    await bench.line.unplug();
    await until(() => bench.supervisor.status().state !== "listening", "the supervisor notices");
    bench.measure(130);
    // The old device's number is taken by somebody else meanwhile; if by another test, so much the better.
    for (let number = 1; number <= 8; number++) {
      const other = await openPty();
      cleanUp.push(() => other.close());
      if (other.path === before) break;
    }
    await bench.line.plug();
    await until(() => bench.values().length === 31, "the rest is taken");
    expect(bench.values()).toEqual(range(100, 31));
    expect(bench.meter.violations).toEqual([]);
    expect(bench.sink.unreadable).toEqual([]);
    expect(bench.sink.reports.filter(({ detail }) => detail.code === undefined)).toEqual([]);
  });
});
