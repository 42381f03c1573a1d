import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { mountedForm } from "../../ota/images/release-images.ts";
import { type Cut, cutsOf, fingerprint } from "../power-cut/cuts.ts";
import { onDisk } from "../power-cut/on-disk.ts";
import { examine, promisesOf } from "../power-cut/outbox-check.ts";
import { type Recording, record } from "../power-cut/record.ts";
import { writeRelease } from "./launcher.ts";
import { unmountBelow } from "./mountable.ts";
import { createTestRegion, isSound, openUpdateBench, type TestRegion, type UpdateBench } from "./update-bench.ts";
import { openOutboxAs } from "./update-outbox.ts";
import type { Surroundings } from "./update-workload.ts";

/** Lives that a hub gets to come to rest after a cut: three tries, the way back, and the update that it then wants. */
const MOST_LIVES = 10;

/** Everything around the disk that is cut. */
export interface UpdateScene extends AsyncDisposable {
  readonly place: string;
  readonly surroundings: Surroundings;
}

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

/** What the release that runs misses of the readings that were acknowledged before the cut, as sentences. */
const readingsMissedBy = async (release: string, place: string, cut: Cut): Promise<readonly string[]> => {
  await using outbox = await openOutboxAs(place, release);
  const { lost, altered, twice, broken } = await examine(outbox, promisesOf(cut.acknowledged), false);
  const found = Object.entries({ lost, altered, twice }).filter(([, readings]) => readings.length > 0);
  return [...found.map(([what, readings]) => `${release}: readings ${what}: ${readings.join(" ")}`), ...broken];
};

/** What the cut left of the update, whatever it left of the outbox. */
const updateIn = ({ files, acknowledged }: Cut): string =>
  fingerprint(
    new Map([...files].filter(([path]) => !path.startsWith("outbox/"))),
    acknowledged.filter((line) => !/^(stored|settling) /.test(line)).length,
  );

/** What is wrong after a cut, as sentences. `toRest`: see it through until nothing is under way any more. */
const findingsAfter = (cut: Cut, { surroundings }: UpdateScene, toRest: boolean): Promise<readonly string[]> =>
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
      wrong.push(...(await readingsMissedBy(first.started.name, place, cut)));
      const last = surroundings.wanted.at(-1);
      if (last === undefined || !toRest) return wrong;
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
      wrong.push(...(await readingsMissedBy(end.started.name, place, cut)));
    } catch (thrown) {
      wrong.push(String(thrown));
    } finally {
      await unmountBelow(run);
    }
    return wrong;
  });

export interface UpdateCutReport {
  cuts: number;
  /** Readings acknowledged as durable, summed over the cuts. */
  promised: number;
  /** What was found, each with the cut that it was found after; empty is as it should be. */
  readonly wrong: string[];
}

export interface UpdateCutOptions {
  /** Look at every so many operations; 1 is all. */
  readonly every: number;
  /** Of those, see every so many through to the end; where the update is as after an earlier one, that is done already. */
  readonly restEvery: number;
}

export const reportUpdateCuts = async (
  recording: Recording,
  scene: UpdateScene,
  { every, restEvery }: UpdateCutOptions,
): Promise<UpdateCutReport> => {
  const rested = new Set<string>();
  const report: UpdateCutReport = { cuts: 0, promised: 0, wrong: [] };
  for (const cut of cutsOf(recording, { every, seed: 1 })) {
    report.cuts += 1;
    report.promised += cut.acknowledged.filter((line) => line.startsWith("stored ")).length;
    const update = updateIn(cut);
    const toRest = report.cuts % restEvery === 0 && !rested.has(update);
    if (toRest) rested.add(update);
    for (const finding of await findingsAfter(cut, scene, toRest)) {
      report.wrong.push(`after ${cut.after} operations, ${cut.loss}: ${finding}`);
    }
  }
  return report;
};
