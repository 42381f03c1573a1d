import { openSync, writeSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { downloadTarget } from "../../ota/download/downloader.ts";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { initialiseTrust, openMetadataStore } from "../../ota/trust/metadata-store.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import { epochMs } from "../../protocol/time.ts";

/**
 * Checks and downloads to be recorded: `check-workload.ts PLACE ACKS STATES`. STATES has a folder for each state of the
 * region's repository, in order; each is checked, and its target downloaded. Acknowledges `checked N` and
 * `downloaded N`.
 */
const [place = "", acks = "", states = ""] = process.argv.slice(2);
const acknowledgements = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(acknowledgements, `${line}\n`);
};

const files = createDiskFiles();
const clock = createSystemClock();
const { signal } = new AbortController();
const directory = join(place, "metadata");
const folders = (await readdir(states)).toSorted();

const shippedRoot = await readFile(join(states, folders[0] ?? "", "metadata", "1.root.json"));
await initialiseTrust(files, directory, shippedRoot);
for (const [n, folder] of folders.entries()) {
  const source = createFolderSource(join(states, folder));
  const store = openMetadataStore({ files, directory, shippedRoot });
  await using update = await openTrustedUpdate({ store, source, clock, builtAt: epochMs(0) }, signal);
  await update.refresh();
  say(`checked ${n}`);
  const target = await update.target("catalogue/release");
  const where = { directory: join(place, "images"), name: "release", alsoNeededBytes: 0 };
  await downloadTarget({ files, source, clock, budget: unlimitedBudget, target, ...where }, signal);
  say(`downloaded ${n}`);
}
