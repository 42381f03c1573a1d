import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { isSafeMode, SAFE_FOR, STABLE, watchOverStarts } from "./safe-mode.ts";
import { MOST_CRASHES, openStartCounter, type StartCounter } from "./start-counter.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-starts-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (bootId = "boot-1"): Promise<StartCounter> =>
  openStartCounter({ file: join(folder, "data", "starts.json"), bootId, logger: silentLogger });

const crash = async (times: number): Promise<void> => {
  for (let n = 0; n < times; n += 1) await start();
};

it("F54: counts starts that came to nothing, and goes into safe mode after five", async () => {
  await crash(MOST_CRASHES - 1);
  const last = await start();
  expect(isSafeMode(last)).toBe(false);
  expect(isSafeMode(await start())).toBe(true);
  expect(isSafeMode(await start())).toBe(true);
});

it("begins to count anew after a start that came to something, and after a start of the machine", async () => {
  await crash(MOST_CRASHES);
  expect((await start("boot-2")).crashes).toBe(0);
  await crash(MOST_CRASHES);
  await (await start()).succeeded();
  expect((await start()).crashes).toBe(0);
});

it("F54: begins to count anew where the start before stored a reading, even if it was killed at once", async () => {
  await crash(MOST_CRASHES - 1);
  await (await start()).opened(7);
  const next = await start();
  expect(next.crashes).toBe(MOST_CRASHES);
  await next.opened(8);
  expect(next.crashes).toBe(0);
  expect((await start()).crashes).toBe(1);
});

it("F54: goes on counting where no reading was stored since, or numbers began anew", async () => {
  for (const newest of [7, 7, 0, 0, 0]) await (await start()).opened(newest);
  const last = await start();
  await last.opened(0);
  expect(last.crashes).toBe(MOST_CRASHES);
});

it("counts nothing where the file is damaged, or cannot be written", async () => {
  await crash(3);
  const file = join(folder, "data", "starts.json");
  await writeFile(file, (await readFile(file, "utf8")).slice(0, 20));
  expect((await start()).crashes).toBe(0);
  const below = join(file, "starts.json");
  const nowhere = await openStartCounter({ file: below, bootId: "boot-1", logger: silentLogger });
  await nowhere.succeeded();
  expect(nowhere.crashes).toBe(0);
});

const watched = async (crashes: number) => {
  const clock = createSimulatedClock();
  const seen: string[] = [];
  const starts: StartCounter = {
    crashes,
    opened: async () => undefined,
    succeeded: async () => {
      seen.push("succeeded");
    },
  };
  const stop = new AbortController();
  const options = {
    starts,
    isSafe: isSafeMode(starts),
    clock,
    logger: silentLogger,
    report: (_code: string, _message: string, detail: { readonly state?: unknown }) => seen.push(String(detail.state)),
    leave: () => seen.push("leave"),
  };
  return { clock, seen, stop, running: watchOverStarts(options, stop.signal) };
};

it("tries the sensors again after half an hour of safe mode, which the region was told of", async () => {
  const { clock, seen, running } = await watched(MOST_CRASHES);
  await clock.advance(SAFE_FOR);
  await running;
  expect(seen).toEqual(["safe-mode", "leave"]);
});

it("calls a hub stable after ten minutes, and not one that is stopped before", async () => {
  const stable = await watched(2);
  await stable.clock.advance(STABLE);
  await stable.running;
  expect(stable.seen).toEqual(["succeeded"]);
  const stopped = await watched(2);
  stopped.stop.abort();
  await stopped.running;
  expect(stopped.seen).toEqual([]);
});
