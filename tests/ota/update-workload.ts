import { openSync, writeSync } from "node:fs";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { mountedForm } from "../../ota/images/release-images.ts";
import type { WantedRelease } from "../../ota/update/update-state.ts";
import { isSound, openUpdateBench } from "./update-bench.ts";

/**
 * Whole updates to be recorded, from the check to the commit or the way back, with starts of the real launcher between
 * them: `update-workload.ts PLACE ACKS SURROUNDINGS`, the last being JSON of `UpdateSurroundings`. Acknowledges `wants
 * NAME`, and `installed NAME` or `taken-back NAME` when it is durable.
 */
export interface Surroundings {
  readonly run: string;
  readonly base: string;
  readonly region: string;
  readonly wanted: readonly { readonly name: string; readonly release: WantedRelease }[];
}

const [place = "", acks = "", given = "{}"] = process.argv.slice(2);
const { run, base, region, wanted } = JSON.parse(given) as Surroundings;
const acknowledgements = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(acknowledgements, `${line}\n`);
};

await using bench = await openUpdateBench({ place, run, base, region, form: mountedForm(createDiskFiles()) });
bench.circumstances.proof = isSound;
for (const { name, release } of wanted) {
  say(`wants ${name}`);
  const before = await bench.start();
  await before.updates.want(release);
  await before.restarted();
  await before.end();
  const trial = await bench.start();
  if (isSound(name) === null) {
    await trial.ended("installed");
    say(`installed ${name}`);
    await trial.end();
    continue;
  }
  await trial.restarted();
  await trial.end();
  const after = await bench.start();
  await after.ended("rolled-back");
  say(`taken-back ${name}`);
  await after.end();
}
