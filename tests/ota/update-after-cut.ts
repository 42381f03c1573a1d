import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { mountedForm } from "../../ota/images/release-images.ts";
import { type Cut, cutsOf } from "../power-cut/cuts.ts";
import { onDisk } from "../power-cut/on-disk.ts";
import { type Recording, record } from "../power-cut/record.ts";
import { writeRelease } from "./launcher.ts";
import { createTestRegion, isSound, openUpdateBench, type TestRegion, type UpdateBench } from "./update-bench.ts";
import type { Surroundings } from "./update-workload.ts";

/** Lives that a hub gets to come to rest after a cut: three tries, the way back, and the update that it then wants. */
const MOST_LIVES = 10;

/** Everything around the disk that is cut. */
export interface UpdateScene extends AsyncDisposable {
  readonly place: string;
  readonly surroundings: Surroundings;
}

const unmountBelow = async (run: string): Promise<void> => {
  const mounts = join(run, "mnt");
  for (const name of await readdir(mounts).catch(() => [] as string[])) {
    execFileSync("umount", ["--lazy", join(mounts, name)], { stdio: "ignore" });
  }
};

/** A release that is installed, one that is taken back, and another that is installed. */
export const createUpdateScene = async (): Promise<UpdateScene> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-scene-"));
  const region: TestRegion = await createTestRegion();
  const [run, base] = [join(place, "run"), join(place, "base")];
  await writeRelease(base, "base");
  const wanted = [];
  for (const [n, name] of ["one", "broken-two", "three"].entries()) {
    wanted.push({ name, release: await region.release(name, n + 1) });
  }
  return {
    place,
    surroundings: { run, base, region: region.folder, wanted },
    [Symbol.asyncDispose]: async () => {
      await unmountBelow(run);
      await region[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    },
  };
};

export const recordUpdates = ({ surroundings }: UpdateScene): Promise<Recording> =>
  record(fileURLToPath(new URL("update-workload.ts", import.meta.url)), (place, acks) => [
    place,
    acks,
    JSON.stringify(surroundings),
  ]);

/** What may run after the cut: what was in force, and what was about to be tried. */
const allowedAfter = (acknowledged: readonly string[]): ReadonlySet<string> => {
  let [inForce, trying] = ["base", ""];
  for (const line of acknowledged) {
    const [what, name = ""] = line.split(" ");
    if (what === "wants") trying = name;
    if (what === "installed") inForce = name;
    if (what === "installed" || what === "taken-back") trying = "";
  }
  return new Set(trying === "" ? [inForce] : [inForce, trying]);
};

/** One life of the hub: true where it ended by asking for another. */
const live = async (bench: UpdateBench): Promise<"again" | "rests"> => {
  const run = await bench.start();
  const ended = Promise.race([run.restarted().then(() => "again" as const), run.rests().then(() => "rests" as const)]);
  try {
    return await ended;
  } finally {
    await run.end();
  }
};

/** What is wrong after a cut, as sentences. */
const findingsAfter = (cut: Cut, { surroundings }: UpdateScene): Promise<readonly string[]> =>
  onDisk({ ...cut, files: new Map([...cut.files].map(([path, content]) => [`disk/${path}`, content])) }, async (at) => {
    const run = join(at, "run");
    const place = join(at, "disk");
    await mkdir(place, { recursive: true });
    const wrong: string[] = [];
    try {
      await using bench = await openUpdateBench({ ...surroundings, place, run, form: mountedForm(createDiskFiles()) });
      bench.circumstances.proof = isSound;
      const first = await bench.start();
      const allowed = allowedAfter(cut.acknowledged);
      if (!allowed.has(first.started.name)) wrong.push(`starts ${first.started.name}, and not one of ${[...allowed]}`);
      if (first.started.slot === "rescue") wrong.push(`found damage: ${first.started.reason}`);
      await first.end();
      const last = surroundings.wanted.at(-1);
      if (last === undefined) return wrong;
      for (let n = 0; n < MOST_LIVES && (await live(bench)) === "again"; n++);
      const settled = await bench.start();
      await settled.updates.want(last.release);
      await settled.end();
      for (let n = 0; n < MOST_LIVES && (await live(bench)) === "again"; n++);
      const end = await bench.start();
      if (end.started.name !== last.name || end.started.slot !== "current") {
        wrong.push(`comes to rest with ${end.started.name} (${end.started.slot}), and not with ${last.name}`);
      }
      await end.end();
    } catch (thrown) {
      wrong.push(String(thrown));
    } finally {
      await unmountBelow(run);
    }
    return wrong;
  });

export interface UpdateCutReport {
  cuts: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

export const reportUpdateCuts = async (
  recording: Recording,
  scene: UpdateScene,
  every: number,
): Promise<UpdateCutReport> => {
  const report: UpdateCutReport = { cuts: 0, wrong: [] };
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    report.cuts += 1;
    for (const finding of await findingsAfter(cut, scene)) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return report;
};
