// The peer: a row each 5 ms with synchronous=NORMAL; each is said when SQLite says that it is committed.
// Argument: database file.
import { mkdirSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import sqlite3 from "sqlite3";

const EVERY_MS = 5;

const [file = ""] = process.argv.slice(2);
mkdirSync(path.dirname(file), { recursive: true });
const database = new sqlite3.Database(file);
const run = (sql, ...values) =>
  new Promise((resolve, reject) => {
    database.run(sql, values, (error) => (error === null ? resolve() : reject(error)));
  });
await run("PRAGMA journal_mode = WAL");
await run("PRAGMA synchronous = NORMAL");
await run("CREATE TABLE outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
for (let id = 1; ; id += 1) {
  await run("INSERT INTO outbox VALUES (?, ?)", id, "x".repeat(1200));
  writeSync(1, `${id}\n`);
  await pause(EVERY_MS);
}
