import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { downloadTarget } from "../../ota/download/downloader.ts";
import { createHttpSource } from "../../ota/download/http-source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { initialiseTrust, openMetadataStore } from "../../ota/trust/metadata-store.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import { messageOf } from "../../protocol/errors.ts";
import { epochMs } from "../../protocol/time.ts";

/**
 * The hub's update client behind the command line of the public conformance suite: init, refresh, download. The suite
 * shows that what a hub takes for signed is what TUF says is signed. Exit code 0, or 1 and the sentence.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-dir": { type: "string" },
    "metadata-url": { type: "string" },
    "target-name": { type: "string", multiple: true },
    "target-base-url": { type: "string" },
    "target-dir": { type: "string" },
  },
});
const [command = "", ...operands] = positionals;

const files = createDiskFiles();
const clock = createSystemClock();
const { signal } = new AbortController();

const given = (name: "metadata-dir" | "metadata-url" | "target-base-url" | "target-dir"): string => {
  const value = values[name];
  if (value === undefined) throw new Error(`${command}: --${name} is missing`);
  return value;
};

const update = async (names: readonly string[]): Promise<void> => {
  const metadataUrl = new URL(given("metadata-url"));
  const targetsUrl = names.length === 0 ? metadataUrl : new URL(given("target-base-url"));
  const source = createHttpSource({ metadataUrl, targetsUrl });
  const store = openMetadataStore({ files, directory: given("metadata-dir"), shippedRoot: null });
  await using trusted = await openTrustedUpdate({ store, source, clock, builtAt: epochMs(0) }, signal);
  await trusted.refresh();
  for (const path of names) {
    const target = await trusted.target(path);
    const place = { directory: given("target-dir"), name: encodeURIComponent(path), alsoNeededBytes: 0 };
    await downloadTarget({ files, source, clock, budget: unlimitedBudget, target, ...place }, signal);
  }
};

const run = async (): Promise<void> => {
  if (command === "init") {
    return initialiseTrust(files, given("metadata-dir"), await readFile(operands[0] ?? "root.json"));
  }
  if (command === "refresh") return update([]);
  if (command === "download") return update(values["target-name"] ?? []);
  throw new Error(`"${command}" is none of init, refresh, download`);
};

try {
  await run();
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  process.exitCode = 1;
}
