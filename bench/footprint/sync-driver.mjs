// The peer: a store with a synchronous driver, one row each COUNT times EVERY_MS. Arguments: database file, COUNT, EVERY_MS.
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

const [file, count, everyMs] = process.argv.slice(2);
const database = new DatabaseSync(file);
database.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE outbox (id INTEGER PRIMARY KEY, payload TEXT)",
);
const insert = database.prepare("INSERT INTO outbox (payload) VALUES (?)");
process.stdout.write('{"event":"connected"}\n');
// The watcher begins anew meanwhile.
await pause(200);
for (let i = 0; i < Number(count); i += 1) {
  insert.run("x".repeat(1200));
  await pause(Number(everyMs));
}
process.stdout.write('{"event":"done"}\n');
process.exit(0);
