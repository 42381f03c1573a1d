// A script of sqlite3 and mqtt.js by somebody who measured: rows are inserted and deleted in groups, many messages are
// in flight. Durable (WAL, synchronous=FULL); nothing is checked, encrypted or receipted. `node tuned-script.mjs CONFIG`,
// see bench/job.ts.
import { join } from "node:path";
import { promisify } from "node:util";
import sqlite3 from "sqlite3";
import { connect, createReadings, exit, hrMs, onBeat, startWatch } from "./mqtt-client.mjs";

const config = JSON.parse(process.argv[2]);
const { job, topic } = config;

/** Rows of one transaction, and messages in flight at a time. */
const GROUP = 64;

const database = new sqlite3.Database(join(config.folder, "tuned-script.db"));
const run = promisify(database.run.bind(database));
const all = promisify(database.all.bind(database));
await run("PRAGMA journal_mode = WAL");
await run("PRAGMA synchronous = FULL");
await run("CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
const [{ last }] = await all("SELECT coalesce(max(id), 0) AS last FROM outbox");

const nextReading = await createReadings(config.reading);
let lastId = last;

const insert = async (rows) => {
  const places = rows.map(() => "(?, ?)").join(", ");
  await run(
    `INSERT INTO outbox (id, payload) VALUES ${places}`,
    rows.flatMap(({ id, text }) => [id, text]),
  );
};

const send = async (client, rows) => {
  await Promise.all(rows.map(({ text }) => client.publishAsync(topic, text, { qos: 1 })));
  const endedAt = hrMs();
  await run("DELETE FROM outbox WHERE id BETWEEN ? AND ?", [rows[0].id, rows.at(-1).id]);
  return endedAt;
};

/** Runs `work` over what was pushed meanwhile, one group at a time. */
const grouped = (work) => {
  let waiting = [];
  let isWorking = false;
  const loop = async () => {
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting.slice(0, GROUP);
      waiting = waiting.slice(GROUP);
      const result = await work(group.map(({ item }) => item));
      for (const { resolve } of group) resolve(result);
    }
    isWorking = false;
  };
  return (item) =>
    new Promise((resolve) => {
      waiting.push({ item, resolve });
      if (isWorking) return;
      isWorking = true;
      void loop();
    });
};

if (job.tag === "fill") {
  const end = startWatch();
  for (let made = 0; made < job.count; made += GROUP) {
    const rows = Array.from({ length: Math.min(GROUP, job.count - made) }, () => {
      lastId += 1;
      return { id: lastId, text: nextReading() };
    });
    await insert(rows);
  }
  end(job.count);
  process.exit(0);
}

const client = await connect(config);
const store = grouped(insert);
const forward = grouped((rows) => send(client, rows));

/** Resolves when the row is durable; `sent` then resolves with the time of its PUBACK. */
const take = async () => {
  lastId += 1;
  const row = { id: lastId, text: nextReading() };
  await store(row);
  return { sent: forward(row) };
};

const takeAndWait = async () => {
  const takenAt = hrMs();
  const { sent } = await take();
  return (await sent) - takenAt;
};

switch (job.tag) {
  case "busy": {
    const takeMany = async (count) => {
      let left = count;
      const unsent = [];
      const sensor = async () => {
        while (left > 0) {
          left -= 1;
          unsent.push((await take()).sent);
        }
      };
      await Promise.all(Array.from({ length: job.sensors }, sensor));
      return (await Promise.all(unsent)).at(-1);
    };
    await takeMany(job.warmUp);
    const end = startWatch();
    end(job.count, [], await takeMany(job.count));
    await exit(client);
    break;
  }
  case "rest": {
    const end = startWatch();
    let left = job.count;
    end(job.count, await onBeat(job.everyMs, () => left-- === 0, takeAndWait));
    await exit(client);
    break;
  }
  case "drain": {
    const end = startWatch();
    let isOver = false;
    const live = job.liveEveryMs === null ? Promise.resolve([]) : onBeat(job.liveEveryMs, () => isOver, takeAndWait);
    let endedAt = 0;
    for (let drained = 0; drained < job.count; ) {
      const rows = await all("SELECT id, payload AS text FROM outbox WHERE id <= ? ORDER BY id LIMIT ?", [
        job.count,
        GROUP,
      ]);
      endedAt = await send(client, rows);
      drained += rows.length;
    }
    isOver = true;
    end(job.count, await live, endedAt);
    await exit(client);
    break;
  }
}
