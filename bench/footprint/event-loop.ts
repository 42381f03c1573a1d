/*
 * The longest block of the event loop while each fsync takes 50 ms and 500 ms: in the hub's own parts, storing and
 * sending a reading each 30 ms, and in a store with a synchronous driver. `disk as it is` shows what this machine does to
 * any process at the moment of the run.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pathOf } from "../../tests/support/requirements.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { type Bench, compare, type Figure } from "../figure.ts";
import type { ProgramConfig } from "../job.ts";
import { startChild } from "./child.ts";
import { HUB, openRegionEnd, READING_TOPIC, type RegionEnd } from "./region-end.ts";

const READINGS = { quick: 60, full: 300 };
const EVERY_MS = 30;
const SLOW_MS = [50, 500] as const;
/** docs/performance.md: radio and serial ports notice nothing of it. */
const GOAL_MS = 10;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Ahead of other work on this machine, which else is what is measured; nothing where that is not allowed. */
const ahead = (): readonly string[] => {
  const command = ["chrt", "--fifo", "1"];
  return spawnSync("chrt", ["--fifo", "1", "true"]).status === 0 ? command : [];
};

interface Blocks {
  readonly maxMs: number;
  readonly p99Ms: number;
}

export const bench: Bench = {
  name: "event-loop",
  run: async ({ quick }, signal) => {
    await using region = await openRegionEnd();
    const shim = join(region.folder, "slow-fsync.so");
    const compiler = pathOf("cc");
    if (compiler === null) throw new Error("needs a C compiler: install the Debian package gcc");
    execFileSync(compiler, ["-shared", "-fPIC", "-o", shim, here("slow-fsync.c"), "-ldl"]);
    const undisturbed = ahead();
    const count = quick ? READINGS.quick : READINGS.full;
    let runs = 0;

    const watch = async (program: readonly string[], slowMs: number): Promise<Blocks> => {
      runs += 1;
      const [sign, report] = [join(region.folder, `slow-${runs}`), join(region.folder, `loop-${runs}.json`)];
      const env = {
        LD_PRELOAD: shim,
        HEMHUB_FSYNC_SLOW: sign,
        HEMHUB_FSYNC_MS: String(slowMs),
        HEMHUB_LOOP_REPORT: report,
      };
      const done = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => done.reject(signal.reason), { once: true });
      const command = [...undisturbed, process.execPath, "--import", here("loop-watch.mjs"), ...program];
      await using child = startChild(command, {
        env,
        onLine: (line) => {
          if (line.includes('"connected"')) {
            // The disk is slow from here on, and starting is over.
            writeFile(sign, "").then(() => child.process.kill("SIGUSR2"), done.reject);
          }
          if (line.includes('"done"')) done.resolve();
        },
      });
      child.process.once("close", () => done.reject(new Error(`${program[0]} ended early`)));
      await done.promise;
      await rm(sign);
      await child.ended;
      return JSON.parse(await readFile(report, "utf8")) as Blocks;
    };

    const hub = async (slowMs: number): Promise<Blocks> =>
      watch([here("../hub-program.ts"), JSON.stringify(await hubConfig(region, runs, count))], slowMs);
    const peer = (slowMs: number): Promise<Blocks> =>
      watch([here("sync-driver.mjs"), join(region.folder, `sync-${runs}.db`), String(count), String(EVERY_MS)], slowMs);

    const figures: Figure[] = [];
    const atRest = { hub: await hub(0), peer: await peer(0) };
    const figure = (what: string, of: (one: Blocks) => number, ours: Blocks, theirs: Blocks): void => {
      const compared = { what, ours: of(ours), peer: of(theirs), peerName: "node:sqlite", unit: "ms" };
      figures.push({
        ...compare({ ...compared, goal: { tag: "none" } }),
        ...(ours === atRest.hub ? {} : { goal: `< ${GOAL_MS} ms`, met: of(ours) < GOAL_MS }),
      });
    };
    figure("longest event-loop block, disk as it is", ({ maxMs }) => maxMs, atRest.hub, atRest.peer);
    for (const slowMs of SLOW_MS) {
      const [ours, theirs] = [await hub(slowMs), await peer(slowMs)];
      figure(`longest event-loop block, fsync ${slowMs} ms`, ({ maxMs }) => maxMs, ours, theirs);
      figure(`99th percentile of the same, fsync ${slowMs} ms`, ({ p99Ms }) => p99Ms, ours, theirs);
    }
    return figures;
  },
};

const hubConfig = async (region: RegionEnd, run: number, count: number): Promise<ProgramConfig> => {
  const folder = join(region.folder, `loop-hub-${run}`);
  await mkdir(folder);
  const reading = join(folder, "reading.json");
  await writeFile(reading, JSON.stringify(sampleReading()));
  const { ca, hub } = region.files;
  return {
    url: `mqtts://localhost:${region.port}`,
    ca,
    certificate: hub.certificate,
    key: hub.key,
    clientId: HUB,
    topic: READING_TOPIC,
    folder,
    reading,
    job: { tag: "rest", count, everyMs: EVERY_MS },
  };
};
