import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import { epochMs, minutes, seconds } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { type ClockAnchorKeeper, openClockAnchor } from "./clock-anchor.ts";

const NOON = epochMs(Date.UTC(2026, 5, 15, 12));

let folder: string;
let clock: SimulatedClock;
let lines: LogLine[];
let stop: AbortController;
let anchored: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-anchor-"));
  clock = createSimulatedClock({ state: "unset", startAt: epochMs(0) });
  lines = [];
  stop = new AbortController();
  anchored = 0;
});

afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

const open = (time: HubTime = clock): Promise<ClockAnchorKeeper> =>
  openClockAnchor({
    file: join(folder, "clock-anchor.json"),
    time,
    clock,
    logger: createKeepingLogger(lines),
    onAnchored: () => {
      anchored += 1;
    },
  });

/** The simulated clock, of a boot and an error of its own. */
const timeOf = (bootId: string, errorMs: number | null = 20): HubTime => ({
  stamp: () => {
    const stamp = clock.stamp();
    return { ...stamp, bootId, hubClock: { ...stamp.hubClock, errorMs: stamp.utc === null ? null : errorMs } };
  },
});

it("waits until the clock is set, and keeps the first moment at which it was", async () => {
  const keeper = await open();
  const running = keeper.run(stop.signal);
  await clock.advance(minutes(10));
  expect(keeper.current()).toBeNull();
  clock.setWallClock(NOON, "ntp");
  await clock.advance(seconds(5));
  await until(() => anchored === 1, "the anchor is kept");
  const { monoMs, utc } = keeper.current() ?? { monoMs: 0, utc: 0 };
  expect(utc - monoMs).toBe(NOON - 600_000);
  await running;
});

it("is the same for a process that is started again in the same boot, whatever the clock did meanwhile", async () => {
  clock.setWallClock(NOON, "ntp");
  const first = await open();
  await first.run(stop.signal);
  await clock.advance(minutes(5));
  clock.setWallClock(epochMs(NOON + 7_200_000));
  const second = await open();
  expect(second.current()).toEqual(first.current());
  await second.run(stop.signal);
  expect(second.current()).toEqual(first.current());
  expect(anchored).toBe(1);
});

it("is taken anew in another boot", async () => {
  clock.setWallClock(NOON, "ntp");
  await (await open(timeOf("boot-1"))).run(stop.signal);
  expect((await open(timeOf("boot-2"))).current()).toBeNull();
});

it("waits a minute for the error of a clock that is set, and takes it without one then", async () => {
  clock.setWallClock(NOON, "holdover");
  const keeper = await open(timeOf("boot-1", null));
  const running = keeper.run(stop.signal);
  await clock.advance(seconds(59));
  expect(keeper.current()).toBeNull();
  await clock.advance(seconds(6));
  await until(() => anchored === 1, "the anchor is kept");
  expect(keeper.current()).toMatchObject({ hubClock: { state: "holdover", errorMs: null } });
  await running;
});

it.each(["", "{", '{"schema":"clock-anchor/1","bootId":7}', "null"])(
  "takes it anew where the file is damaged: %j",
  async (content) => {
    await writeFile(join(folder, "clock-anchor.json"), content);
    clock.setWallClock(NOON, "ntp");
    const keeper = await open();
    expect(lines).toMatchObject([{ message: "clock anchor not readable, taken anew" }]);
    await keeper.run(stop.signal);
    expect(JSON.parse(await readFile(join(folder, "clock-anchor.json"), "utf8"))).toMatchObject({ utc: NOON });
  },
);

it("goes on where the file cannot be written", async () => {
  clock.setWallClock(NOON, "ntp");
  const keeper = await openClockAnchor({
    file: join(folder, "absent", "clock-anchor.json"),
    time: clock,
    clock,
    logger: createKeepingLogger(lines),
    onAnchored: () => undefined,
  });
  await keeper.run(stop.signal);
  expect(keeper.current()).not.toBeNull();
  expect(lines[0]).toMatchObject({ message: "clock anchor not written" });
});
