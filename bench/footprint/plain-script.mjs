// The peer: what one writes without further thought. Rows wait in SQLite, one is published at a time and deleted when
// the broker has it. Arguments: URL, CA, certificate, key, database file, topic.
import { readFileSync } from "node:fs";
import mqtt from "mqtt";
import { pino } from "pino";
import "serialport";
import "noble/lib/hci-socket/bindings.js";
import sqlite3 from "sqlite3";

const [url, ca, cert, key, file, topic] = process.argv.slice(2);
const log = pino();
const database = new sqlite3.Database(file);
const run = (sql, ...values) =>
  new Promise((resolve, reject) => {
    database.run(sql, values, (error) => (error === null ? resolve() : reject(error)));
  });
const next = () =>
  new Promise((resolve, reject) => {
    database.get("SELECT id, payload FROM outbox ORDER BY id LIMIT 1", (error, row) =>
      error === null ? resolve(row) : reject(error),
    );
  });

await run("PRAGMA journal_mode = WAL");
await run("PRAGMA synchronous = FULL");
await run("CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");

const client = mqtt.connect(url, {
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  protocolVersion: 5,
});
client.on("connect", async () => {
  for (let row = await next(); row !== undefined; row = await next()) {
    await client.publishAsync(topic, row.payload, { qos: 1 });
    await run("DELETE FROM outbox WHERE id = ?", row.id);
  }
  log.info("drained");
});
