import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sqlite3 from "sqlite3";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { writeHubFiles } from "./child.ts";
import { READING_TOPIC, type RegionEnd } from "./region-end.ts";
import type { Release } from "./release.ts";

/** A command that, once started, sends what waits in its store to the region. */
export interface Subject {
  readonly name: "hub" | "plain script";
  readonly command: readonly string[];
}

/** Readings of one append: far below the largest group of a commit. */
const AT_ONCE = 200;

const PLAIN_SCRIPT = fileURLToPath(new URL("plain-script.mjs", import.meta.url));

/** A hub with `waiting` readings in its outbox, in a new folder below the region's. */
export const hubWith = async (
  release: Release,
  region: RegionEnd,
  waiting: number,
  measurement: number,
): Promise<Subject> => {
  const folder = join(region.folder, `hub-${measurement}`);
  const { config, outbox: directory } = await writeHubFiles(folder, region.port, region.files);
  const outbox = await openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
  for (let at = 0; at < waiting; at += AT_ONCE) {
    const count = Math.min(AT_ONCE, waiting - at);
    await outbox.append(Array.from({ length: count }, (_, i) => sampleReading(measurement + at + i)));
  }
  await outbox[Symbol.asyncDispose]();
  return { name: "hub", command: [release.program, "run", "--config", config] };
};

const statement = (database: sqlite3.Database, sql: string, ...values: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    database.run(sql, values, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });

/** The plain script with `waiting` readings of the same size in its table. */
export const plainScriptWith = async (region: RegionEnd, waiting: number, measurement: number): Promise<Subject> => {
  const folder = join(region.folder, `plain-${measurement}`);
  await mkdir(folder);
  const file = join(folder, "outbox.db");
  const database = new sqlite3.Database(file);
  await statement(database, "PRAGMA journal_mode = WAL");
  await statement(database, "CREATE TABLE outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
  await statement(
    database,
    `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT ${waiting})
      INSERT INTO outbox SELECT n, ? FROM number`,
    JSON.stringify(sampleReading(measurement)),
  );
  await new Promise<void>((resolve, reject) => {
    database.close((error) => (error === null ? resolve() : reject(error)));
  });
  const { ca, hub } = region.files;
  const url = `mqtts://localhost:${region.port}`;
  const command = [process.execPath, PLAIN_SCRIPT, url, ca, hub.certificate, hub.key, file, READING_TOPIC];
  return { name: "plain script", command };
};
