import { openSync, writeSync } from "node:fs";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openDatabaseFile } from "../../gateway/store/database-file.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { createDirectory, createEmpty, outboxFiles } from "../../gateway/store/outbox-files.ts";
import { loadSeal } from "../../gateway/store/outbox-key.ts";
import { crcOf, encodePayload } from "../../gateway/store/payload.ts";
import { migrations } from "../../gateway/store/schema.ts";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { LATER } from "./later-migration.ts";

/**
 * Updates of the outbox's file to be recorded: `migration-workload.ts DIRECTORY ACKS`. A file as the first release left
 * it, brought up to date by this one, and then by one that is later. Says what outbox-workload.ts says.
 */
const [directory = "", acks = ""] = process.argv.slice(2);
const file = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(file, `${line}\n`);
};

/** Enough for pages to overflow and to be shared. */
const OLD_READINGS = 30;

const files = outboxFiles(directory);
await createDirectory(directory);
const seal = await loadSeal(files, openDatabase, undefined);
await createEmpty(files.database);
{
  await using old = await openDatabaseFile(files.database, openDatabase, migrations.slice(0, 1));
  for (let n = 1; n <= OLD_READINGS; n += 1) {
    const draft = sampleReading(n);
    const digest = seal.digestOf(draft.idem);
    const payload = encodePayload(draft);
    await old.run("INSERT INTO reading (seq, state, format, idem, crc, payload) VALUES (?, 0, 1, ?, ?, ?)", [
      n,
      digest,
      crcOf(n, digest, payload),
      payload,
    ]);
    say(`stored ${n} ${n}`);
  }
}
for (const first of [100, 200]) {
  const outbox = await openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
  for (let n = first; n < first + 4; n += 1) {
    const [stored] = await outbox.append([sampleReading(n)]);
    say(`stored ${stored?.seq} ${n}`);
  }
  await outbox[Symbol.asyncDispose]();
  if (first === 100) {
    await using later = await openDatabaseFile(files.database, openDatabase, [...migrations, LATER]);
    await later.query("UPDATE meta SET value = value WHERE name = 'newest'");
  }
}
