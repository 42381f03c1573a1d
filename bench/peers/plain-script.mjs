// A plain script of sqlite3 and mqtt.js, one row at a time: insert, publish, delete. Durable (WAL, synchronous=FULL);
// nothing is checked, encrypted or receipted. `node plain-script.mjs CONFIG`, see bench/job.ts.
import { join } from "node:path";
import { promisify } from "node:util";
import sqlite3 from "sqlite3";
import { connect, createReadings, exit, hrMs, onBeat, say, startWatch } from "./mqtt-client.mjs";

const config = JSON.parse(process.argv[2]);
const { job, topic } = config;

const database = new sqlite3.Database(join(config.folder, "plain-script.db"));
const run = promisify(database.run.bind(database));
const all = promisify(database.all.bind(database));
await run("PRAGMA journal_mode = WAL");
await run("PRAGMA synchronous = FULL");
await run("CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");

const nextReading = await createReadings(config.reading);
let acknowledged = 0;

const send = async (client, id, text) => {
  await client.publishAsync(topic, text, { qos: 1 });
  acknowledged += 1;
  if (acknowledged === 1) say({ event: "acknowledged" });
  await run("DELETE FROM outbox WHERE id = ?", [id]);
};

const insert = (text) =>
  new Promise((resolve, reject) => {
    database.run("INSERT INTO outbox (payload) VALUES (?)", [text], function inserted(error) {
      if (error) reject(error);
      else resolve(this.lastID);
    });
  });

const take = async (client) => {
  const takenAt = hrMs();
  const text = nextReading();
  const id = await insert(text);
  await client.publishAsync(topic, text, { qos: 1 });
  const latency = hrMs() - takenAt;
  acknowledged += 1;
  if (acknowledged === 1) say({ event: "acknowledged" });
  await run("DELETE FROM outbox WHERE id = ?", [id]);
  return latency;
};

if (job.tag === "fill") {
  const end = startWatch();
  await run("BEGIN");
  for (let i = 0; i < job.count; i += 1) await insert(nextReading());
  await run("COMMIT");
  end(job.count);
  process.exit(0);
}

const client = await connect(config);

switch (job.tag) {
  case "idle":
    process.on("SIGTERM", () => process.exit(0));
    setInterval(() => undefined, 60_000);
    break;
  case "busy": {
    for (let i = 0; i < job.warmUp; i += 1) await take(client);
    const end = startWatch();
    for (let i = 0; i < job.count; i += 1) await take(client);
    end(job.count);
    await exit(client);
    break;
  }
  case "rest": {
    const end = startWatch();
    let left = job.count;
    const latencies = await onBeat(
      job.everyMs,
      () => left-- === 0,
      () => take(client),
    );
    end(job.count, latencies);
    await exit(client);
    break;
  }
  case "drain": {
    const end = startWatch();
    let isOver = false;
    const live =
      job.liveEveryMs === null
        ? Promise.resolve([])
        : onBeat(
            job.liveEveryMs,
            () => isOver,
            () => take(client),
          );
    let drained = 0;
    while (drained < job.count) {
      for (const { id, payload } of await all("SELECT id, payload FROM outbox WHERE id <= ? ORDER BY id LIMIT 100", [
        job.count,
      ])) {
        await send(client, id, payload);
        drained += 1;
      }
    }
    const endedAt = hrMs();
    isOver = true;
    end(drained, await live, endedAt);
    await exit(client);
    break;
  }
}
