import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { CLOCK_FLOOR } from "./judge-clock.ts";
import { openTimeFloor, type TimeFloor } from "./time-floor.ts";

const NOON = epochMs(Date.UTC(2026, 11, 15, 12));
const HOUR = 3_600_000;

let folder: string;
let file: string;
let clock: SimulatedClock;
let lines: LogLine[];
let stop: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-floor-"));
  file = join(folder, "time-floor.json");
  clock = createSimulatedClock({ startAt: NOON });
  lines = [];
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

const open = (): Promise<TimeFloor> => openTimeFloor({ file, clock, logger: createKeepingLogger(lines) });
const written = async (): Promise<number> => Date.parse(JSON.parse(await readFile(file, "utf8")).utc);

/** A boot that lasts `hours`. */
const live = async (hours: number): Promise<TimeFloor> => {
  const floor = await open();
  const boot = new AbortController();
  const running = floor.run(clock, boot.signal);
  for (let i = 0; i < hours * 60; i++) {
    await clock.advance(minutes(1));
    // The look after which a write may be due goes to the disk.
    if (i % 60 === 0) await until(() => clock.sleeping === 1, "the look has ended");
  }
  await until(() => clock.sleeping === 1, "the last look has ended");
  boot.abort();
  await running;
  return floor;
};

it("tells the next boot the synchronised time of this one, to within six hours", async () => {
  expect((await open()).current()).toBe(CLOCK_FLOOR);
  await live(20);
  const floor = (await open()).current();
  expect(floor).toBe(await written());
  expect(floor).toBeGreaterThan(NOON + 13 * HOUR);
  expect(floor).toBeLessThanOrEqual(NOON + 20 * HOUR);
});

it.each(["holdover", "rtc", "unset"] as const)("takes nothing from a clock that is %s", async (state) => {
  clock.setWallClock(NOON, state);
  expect((await live(8)).current()).toBe(CLOCK_FLOOR);
});

it("is put right by a later synchronisation where an earlier one said 2040", async () => {
  clock.setWallClock(epochMs(Date.UTC(2040, 0, 1)));
  await live(1);
  expect((await open()).current()).toBeGreaterThan(Date.UTC(2039, 11, 31));
  clock.setWallClock(NOON);
  await live(1);
  const floor = (await open()).current();
  expect(Math.abs(floor - NOON)).toBeLessThan(2 * HOUR);
});

it.each([
  "",
  "{",
  "null",
  '{"schema":"time-floor/1","utc":7}',
  '{"schema":"time-floor/1","utc":"2099-01-01T00:00:00Z"}',
])("knows no more than the version does where the file is damaged: %j", async (content) => {
  await writeFile(file, content);
  expect((await open()).current()).toBe(CLOCK_FLOOR);
  expect(lines).toMatchObject([{ message: "time floor not readable, taken anew" }]);
});

it("goes on where the file cannot be written", async () => {
  file = join(folder, "absent", "time-floor.json");
  expect((await live(1)).current()).toBeGreaterThan(NOON - HOUR);
  expect(lines).toMatchObject([{ message: "time floor not written" }]);
});
