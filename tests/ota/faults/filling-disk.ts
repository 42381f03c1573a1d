import { createDiskFiles } from "../../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../../ota/files/update-files.ts";
import type { UpdateMemory, WantedRelease } from "../../../ota/update/update-state.ts";
import { minutes, seconds } from "../../../protocol/time.ts";
import { until } from "../../support/until.ts";
import { createUpdateBench, type TestRegion, type UpdateRun } from "../update-bench.ts";

/** A disk that takes so many writes and is full then, until it is freed. */
interface FillingDisk extends UpdateFiles {
  readonly isFull: boolean;
  readonly writes: number;
  free(): void;
}

const createFillingDisk = (takes: number): FillingDisk => {
  const files = createDiskFiles();
  let [writes, isFreed, isFull] = [0, false, false];
  const write = async <T>(doing: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (!isFreed && writes > takes) {
      isFull = true;
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    return doing();
  };
  return {
    ...files,
    get isFull() {
      return isFull;
    },
    get writes() {
      return writes;
    },
    free: () => {
      isFreed = true;
      isFull = false;
    },
    scratch: (path, content) => write(() => files.scratch(path, content)),
    replace: (path, content) => write(() => files.replace(path, content)),
    rename: (from, to) => write(() => files.rename(from, to)),
    makeDirectory: (path) => write(() => files.makeDirectory(path)),
    grow: async (path, keep) => {
      const file = await write(() => files.grow(path, keep));
      return {
        write: (bytes) => write(() => file.write(bytes)),
        sync: () => write(() => file.sync()),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
      };
    },
  };
};

/** How one update went whose disk was full from one write on, and free again later. */
export interface FullDiskReport {
  /** Writes that the whole update took. */
  readonly writes: number;
  /** State that the update was in when the disk was full; null where it never was. */
  readonly state: UpdateMemory["state"]["tag"] | null;
  /** Empty is as it should be. */
  readonly wrong: readonly string[];
}

/** Starts that a supervisor gives it: two for the update, and one for each end of its process. */
const MOST_LIVES = 8;

/** Update to `wanted` on a disk that is full after so many writes, and is freed an hour later. */
export const updateOnFullDisk = async (
  region: TestRegion,
  wanted: WantedRelease,
  takes: number,
): Promise<FullDiskReport> => {
  const files = createFillingDisk(takes);
  await using bench = await createUpdateBench(region, { files });
  const wrong: string[] = [];
  let state: FullDiskReport["state"] = null;

  /** What a disk that is full for an hour does to a running hub: nothing. */
  const sitOut = async (run: UpdateRun): Promise<void> => {
    state = run.updates.backend() === null ? "idle" : run.updates.memory().state.tag;
    for (let n = 0; n < 6; n += 1) await bench.clock.advance(minutes(10));
    files.free();
  };
  /** The message is retained: it comes again with the next connection. */
  const want = (run: UpdateRun): Promise<void> =>
    run.updates.want(wanted).catch(async (thrown: unknown) => {
      if (!files.isFull) throw thrown;
      await sitOut(run);
      await run.updates.want(wanted);
    });
  const goesOn = async (run: UpdateRun): Promise<"restart" | "installed"> => {
    let isRestarting = false;
    void run.restarted().then(() => {
      isRestarting = true;
    });
    await until(async () => {
      if (isRestarting) return true;
      if (files.isFull) await sitOut(run);
      const { outcomes, state: now } = run.updates.memory();
      if (now.tag === "idle" && outcomes[0]?.result === "installed") return true;
      // What failed is tried again half a minute later at the earliest; slowly, for a transfer must not seem to stall.
      await bench.clock.advance(["idle", "paused"].includes(now.tag) ? minutes(1) : seconds(1));
      return isRestarting;
    }, `the update is over on a disk that took ${takes} writes`);
    return isRestarting ? "restart" : "installed";
  };

  for (let life = 0; life < MOST_LIVES; life += 1) {
    const run = await bench.start();
    await want(run);
    const ended = await goesOn(run);
    await run.end();
    if (ended === "installed") break;
  }
  const after = await bench.start();
  const { name, slot } = after.started;
  if (name !== "one" || slot !== "current") wrong.push(`comes to rest with ${name} (${slot})`);
  const { outcomes, quarantine } = (await after.rests()) as UpdateMemory;
  for (const { result, why } of outcomes) {
    const isPassing = why?.code === "update-no-space" || why?.code === "update-unreachable";
    const isFine = result === "installed" || (result === "failed-retryable" && isPassing);
    if (!isFine) wrong.push(`ended as ${result}: ${why?.sentence}`);
  }
  if (quarantine.length > 0) wrong.push("put a sound release in quarantine");
  await after.end();
  return { writes: files.writes, state, wrong: wrong.map((one) => `full after ${takes} writes (${state}): ${one}`) };
};
