import { openSync, readFileSync, writeSync } from "node:fs";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";

/**
 * A start to be recorded, on a disk that something happened to: `restart-workload.ts DIRECTORY ACKS FROM PROMISES`.
 * FROM has the files as they are before the start, PROMISES the lines that were acknowledged by then.
 */
const [directory = "", acks = "", from = "", promises = ""] = process.argv.slice(2);

await mkdir(directory);
for (const name of await readdir(from)) {
  await using copy = await open(join(directory, name), "w", 0o600);
  await copy.writeFile(await readFile(join(from, name)));
  await copy.sync();
}
for (const path of [directory, join(directory, "..")]) {
  await using folder = await open(path, "r");
  await folder.sync();
}

const file = openSync(acks, "a");
writeSync(file, readFileSync(promises));
await using outbox = await openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
const [stored] = await outbox.append([sampleReading(900_001)]);
writeSync(file, `stored ${stored?.seq} 900001\n`);
