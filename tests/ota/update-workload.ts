import { openSync, writeSync } from "node:fs";
import type { SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { mountedForm } from "../../ota/images/release-images.ts";
import type { WantedRelease } from "../../ota/update/update-state.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { isSound, openUpdateBench, type UpdateRun } from "./update-bench.ts";
import { openOutboxAs } from "./update-outbox.ts";

/**
 * Whole updates to be recorded, from the check to the commit or the way back, with starts of the real launcher between
 * them, and readings that are taken all along by whichever release runs: `update-workload.ts PLACE ACKS SURROUNDINGS`, the
 * last being JSON of `Surroundings`. Acknowledges `wants NAME`, and `installed NAME` or `taken-back NAME` when it is
 * durable; of readings `stored SEQ COUNTER` and `settling SEQ`, as tests/power-cut/outbox-workload.ts does.
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

let counter = 0;
const take = async (outbox: SqliteOutbox): Promise<void> => {
  counter += 1;
  const sample = counter;
  const [stored] = await outbox.append([sampleReading(sample)]);
  say(`stored ${stored?.seq} ${sample}`);
};

/** All but the newest two, so that a later release finds some of an earlier one that wait, and some that are through. */
const settle = async (outbox: SqliteOutbox): Promise<void> => {
  const through = (outbox.depth().newest ?? 0) - 2;
  if (through < 1) return;
  say(`settling ${through}`);
  await outbox.settle(receipt(through));
};

/** One life of the hub. It takes a reading when it starts, at each step of the update while that goes on, and before it ends. */
const live = async (during: (run: UpdateRun) => Promise<unknown>): Promise<void> => {
  const started = await bench.start();
  await using outbox = await openOutboxAs(place, started.started.name);
  const taking = [take(outbox)];
  bench.circumstances.heard = () => void taking.push(take(outbox));
  await during(started);
  await started.end();
  bench.circumstances.heard = () => undefined;
  await Promise.all(taking);
  await settle(outbox);
  await take(outbox);
};

for (const { name, release } of wanted) {
  say(`wants ${name}`);
  await live(async ({ updates, restarted }) => {
    await updates.want(release);
    await restarted();
  });
  if (isSound(name) === null) {
    await live((trial) => trial.ended("installed"));
    say(`installed ${name}`);
    continue;
  }
  await live((trial) => trial.restarted());
  await live((after) => after.ended("rolled-back"));
  say(`taken-back ${name}`);
}
