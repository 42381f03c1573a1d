import { openSync, writeSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createIdentityStore } from "../../gateway/credentials/identity-store.ts";
import { syncDirectory } from "../../gateway/store/durable-file.ts";

/** Renewals to be recorded: `identity-workload.ts DIRECTORY ACKS PAIRS CONFIGURED`, the last two outside of the disk. */
const [directory = "", acks = "", pairsFile = "", configured = ""] = process.argv.slice(2);
const pairs = JSON.parse(await readFile(pairsFile, "utf8")) as readonly { certificate: string; key: string }[];
const file = openSync(acks, "a");
const acknowledge = (line: string): void => {
  writeSync(file, `${line}\n`);
};

await mkdir(directory, { recursive: true });
await syncDirectory(dirname(directory));
const store = createIdentityStore(join(directory, "identity"), {
  certificate: join(configured, "hub.crt"),
  key: join(configured, "hub.key"),
});
for (const [i, pair] of pairs.entries()) {
  await store.keepRequestKey(pair.key);
  acknowledge(`requested ${i}`);
  await store.keepCandidate(pair);
  acknowledge(`kept ${i}`);
  // The broker refuses every second one.
  if (i % 2 === 0) await store.promote();
  else await store.dropCandidate();
  acknowledge(`${i % 2 === 0 ? "promoted" : "dropped"} ${i}`);
}
