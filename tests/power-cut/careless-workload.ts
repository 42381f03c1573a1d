import { openSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { openDatabase } from "../../gateway/store/sqlite.ts";

/** What the outbox must not be: `careless-workload.ts DIRECTORY ACKS`. Says `stored N` before the disk has it. */
const [directory = "", acks = ""] = process.argv.slice(2);
const file = openSync(acks, "a");
await mkdir(directory);
const database = await openDatabase(`${directory}/careless.db`);
await database.query("PRAGMA journal_mode = WAL");
await database.query("PRAGMA synchronous = NORMAL");
await database.query("CREATE TABLE kept (n INTEGER PRIMARY KEY)");
for (let n = 1; n <= 40; n += 1) {
  await database.run("INSERT INTO kept VALUES (?)", [n]);
  writeSync(file, `stored ${n}\n`);
}
await database[Symbol.asyncDispose]();
