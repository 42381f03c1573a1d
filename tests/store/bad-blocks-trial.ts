import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import { isHubError } from "../../protocol/errors.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";

/**
 * A process that meets blocks that cannot be read or written any more: `bad-blocks-trial.ts TRIAL PLACE`, with
 * bad-blocks.c preloaded. Writes what it saw as one JSON object.
 */
const [trial = "", place = ""] = process.argv.slice(2);

const directory = join(place, "outbox");
const list = process.env.HEMHUB_BAD_BLOCKS ?? "";
const open = () => openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
const PAGE = 1024;
const SECTOR = 512;
const TAKEN = 300;

const take = async (outbox: SqliteOutbox, first: number, count: number): Promise<readonly number[]> => {
  const appended = await outbox.append(Array.from({ length: count }, (_, i) => sampleReading(first + i)));
  return appended.map(({ seq }) => seq);
};

/** What is there, which of it is not what was taken, and whether the outbox takes more. */
const state = async (outbox: SqliteOutbox) => {
  const waiting = await outbox.next(0, 10_000);
  const isTaken = (seq: number, text: string): boolean =>
    Array.from({ length: TAKEN }, (_, i) => sampleReading(i)).some((one) => JSON.stringify({ ...one, seq }) === text);
  const altered = waiting.filter((one) => !isTaken(one.seq, JSON.stringify(one))).length;
  const [next] = await take(outbox, 10_000, 1);
  return { waiting: waiting.length, altered, next, sentence: outbox.recovered?.sentence ?? null };
};

interface Range {
  readonly from: number;
  readonly to: number;
}

/** From now on a range of the file cannot be read, or written; a file that takes its name has blocks of its own. */
const spoil = async (what: "read" | "write", name: string, range: (size: number) => Range): Promise<void> => {
  const { ino, size } = await stat(join(directory, name));
  const { from, to } = range(size);
  await writeFile(list, `${what} ${ino} ${from} ${to}\n`, { flag: "a" });
};

const middle = (size: number): Range => {
  const from = Math.floor(size / 2 / PAGE) * PAGE;
  return { from, to: from + 2 * PAGE };
};

/** The database is closed, and a part of it cannot be read when the hub starts again. */
const unreadable = async (range: (size: number) => Range): Promise<unknown> => {
  const first = await open();
  for (let n = 0; n < TAKEN; n += 10) await take(first, n, 10);
  await first[Symbol.asyncDispose]();
  await spoil("read", "outbox.db", range);
  return start();
};

/** This process ends like one that is killed, and a sector of the journal that it leaves is bad. */
const journal = async (): Promise<unknown> => {
  const outbox = await open();
  for (let n = 0; n < TAKEN; n += 10) await take(outbox, n, 10);
  await spoil("read", "outbox.db-wal", (size) => ({ from: middle(size).from, to: middle(size).from + SECTOR }));
  return { waiting: outbox.depth().waiting };
};

const start = async (): Promise<unknown> => {
  const outbox = await open();
  const seen = await state(outbox);
  await outbox[Symbol.asyncDispose]();
  // Nothing is left to be found at the next start.
  const again = await open();
  const next = { waiting: again.depth().waiting, recovered: again.recovered };
  await again[Symbol.asyncDispose]();
  return { ...seen, again: next };
};

const codeOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (thrown: unknown) => (isHubError(thrown) ? thrown.code : String(thrown)),
  );

/** While it runs, a block of the journal cannot be written, and later it can: the card has put another in its place. */
const unwritable = async (): Promise<unknown> => {
  const outbox = await open();
  for (let n = 0; n < TAKEN; n += 10) await take(outbox, n, 10);
  await spoil("write", "outbox.db-wal", (size) => ({ from: size, to: size + 100 * PAGE }));
  const refused = await codeOf(take(outbox, 5000, 3));
  const troubled = outbox.trouble !== null;
  await rm(list);
  await until(() => outbox.trouble === null, "the outbox is open again", 30_000);
  const seen = await state(outbox);
  await outbox[Symbol.asyncDispose]();
  return { refused, troubled, ...seen };
};

/** While it runs, pages of the database cannot be read any more. */
const decays = async (): Promise<unknown> => {
  await (async () => {
    await using outbox = await open();
    for (let n = 0; n < TAKEN; n += 10) await take(outbox, n, 10);
  })();
  const outbox = await open();
  await spoil("read", "outbox.db", middle);
  await outbox.next(0, 10_000).catch(() => undefined);
  await until(() => outbox.trouble === null, "the outbox is open again", 30_000);
  const seen = await state(outbox);
  await outbox[Symbol.asyncDispose]();
  return seen;
};

const trials: Record<string, () => Promise<unknown>> = {
  database: () => unreadable(middle),
  "first-page": () => unreadable(() => ({ from: 0, to: SECTOR })),
  gone: () => unreadable((size) => ({ from: 0, to: size })),
  journal,
  start,
  unwritable,
  decays,
};
const outcome = await trials[trial]?.().catch((thrown: unknown) => ({ failed: String(thrown) }));
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(0);
