import { openSync, writeSync } from "node:fs";
import { createDirectory } from "../../gateway/store/outbox-files.ts";
import { subjectNamed, VERSIONS } from "./durable-subjects.ts";

/**
 * A process to be recorded: `subject-workload.ts NAME DIRECTORY ACKS`. Writes some versions of a durable file, opening
 * it anew in between, and says `begins N` before and `wrote N` after each.
 */
const [name = "", directory = "", acks = ""] = process.argv.slice(2);
const file = openSync(acks, "a");
const subject = subjectNamed(name);
await createDirectory(directory);
for (let version = 1; version <= VERSIONS; ) {
  const kept = await subject.open(directory, (sentence) => {
    throw new Error(sentence);
  });
  for (let n = 0; n < 2 && version <= VERSIONS; n += 1, version += 1) {
    writeSync(file, `begins ${version}\n`);
    await kept.write(version);
    writeSync(file, `wrote ${version}\n`);
  }
}
