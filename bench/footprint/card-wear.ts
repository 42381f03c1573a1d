/*
 * Bytes that reach the disk for each reading, as the kernel counts what it writes back for this process
 * (/proc/PID/io write_bytes, proc(5): pages made dirty, 4 kB each): what the file system's own journal adds is not in it,
 * for nobody. The outbox of the hub does what it does in a home, with a clock that is turned on by hand.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sqlite3 from "sqlite3";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { sensorId } from "../../protocol/ids.ts";
import { minutes } from "../../protocol/time.ts";
import { receipt } from "../../tests/contract/outbox-receipts.ts";
import { sampleReading } from "../../tests/support/sample-reading.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { type Bench, compare, type Figure } from "../figure.ts";

/** One a minute: the journal is copied every 800 commits or so, so that some copies are among them. */
const RESTING = { quick: 2000, full: 6000 };
/** Before the first copy. */
const UNCOPIED = 400;
const BUSY = { quick: 10_000, full: 50_000 };
/** Sensors that each wait for their last reading. */
const SENSORS = 64;
/** Readings that a receipt covers when busy: some batches. */
const RECEIPT_EVERY = 128;
const PEER_COMMITS = 400;

const CUFF = sensorId("cuff");

const written = async (): Promise<number> => {
  const match = /^write_bytes: (\d+)$/m.exec(await readFile("/proc/self/io", "utf8"));
  return Number(match?.[1] ?? Number.NaN);
};

/** Bytes that `work` wrote. Every commit of it is synchronised, so that nothing is left over for later. */
const bytesOf = async (work: () => Promise<void>): Promise<number> => {
  const before = await written();
  await work();
  return (await written()) - before;
};

const oneAMinute = async (outbox: SqliteOutbox, turn: () => Promise<void>, from: number, to: number): Promise<void> => {
  for (let n = from; n < to; n += 1) {
    const [appended] = await outbox.append([sampleReading(n)], CUFF);
    // The region's answer is there long before the next reading.
    if (appended !== undefined) await outbox.settle(receipt(appended.seq));
    await turn();
  }
};

const busy = async (outbox: SqliteOutbox, count: number): Promise<void> => {
  let made = 0;
  let receipted = 0;
  const sensor = async (): Promise<void> => {
    while (made < count) {
      made += 1;
      const [appended] = await outbox.append([sampleReading(made)], CUFF);
      if (appended === undefined || appended.seq < receipted + RECEIPT_EVERY) continue;
      receipted = appended.seq;
      await outbox.settle(receipt(appended.seq - SENSORS));
    }
  };
  await Promise.all(Array.from({ length: SENSORS }, sensor));
  await outbox.settle(receipt(outbox.depth().newest ?? 0));
};

/** One row of the same text in a commit of its own, in a file of SQLite's usual pages, journal not copied. */
const peerCommit = async (folder: string): Promise<number> => {
  await mkdir(folder);
  const database = new sqlite3.Database(join(folder, "peer.db"));
  const run = (sql: string, ...values: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      database.run(sql, values, (error: Error | null) => (error === null ? resolve() : reject(error)));
    });
  await run("PRAGMA journal_mode = WAL");
  await run("PRAGMA synchronous = FULL");
  await run("PRAGMA wal_autocheckpoint = 0");
  await run("CREATE TABLE outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
  const text = JSON.stringify(sampleReading());
  const bytes = await bytesOf(async () => {
    for (let n = 0; n < PEER_COMMITS; n += 1) await run("INSERT INTO outbox (payload) VALUES (?)", text);
  });
  await new Promise<void>((resolve) => database.close(() => resolve()));
  return bytes / PEER_COMMITS;
};

export const bench: Bench = {
  name: "card-wear",
  run: async ({ quick }) => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-wear-"));
    try {
      const commit = await peerCommit(join(folder, "peer"));
      if (!(commit > 0)) throw new Error(`${folder} is not on a disk (nothing is written back); set TMPDIR to one`);
      const clock = createSimulatedClock();
      const open = (name: string): Promise<SqliteOutbox> =>
        openSqliteOutbox({ directory: join(folder, name), clock, logger: silentLogger });

      const resting = await open("resting");
      const count = quick ? RESTING.quick : RESTING.full;
      const turn = (): Promise<void> => clock.advance(minutes(1));
      await oneAMinute(resting, turn, 0, 10);
      const first = await bytesOf(() => oneAMinute(resting, turn, 10, 10 + UNCOPIED));
      const rest = await bytesOf(() => oneAMinute(resting, turn, 10 + UNCOPIED, 10 + count));
      await resting[Symbol.asyncDispose]();

      const loaded = await open("busy");
      const readings = quick ? BUSY.quick : BUSY.full;
      const many = await bytesOf(async () => {
        await busy(loaded, readings);
        await loaded[Symbol.asyncDispose]();
      });
      const payload = Buffer.byteLength(JSON.stringify(sampleReading()));

      const figure = (what: string, ours: number, peer: number, peerName: string, times: number): Figure =>
        compare({ what, ours, peer, peerName, unit: "bytes a reading", goal: { tag: "at-most", times } });
      return [
        figure("to the card, one a minute, between copies", first / UNCOPIED, commit, "one WAL commit", 1),
        figure("to the card, one a minute, copies included", (first + rest) / count, commit, "one WAL commit", 1.5),
        figure("to the card, busy", many / readings, payload, "the reading as JSON", 1.5),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
