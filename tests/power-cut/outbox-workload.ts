import { openSync, writeSync } from "node:fs";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../gateway/store/outbox.ts";
import type { Seq } from "../../protocol/ids.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";

/**
 * A process to be recorded: `outbox-workload.ts DIRECTORY ACKS ROUNDS`. Does with an outbox what a hub does, and writes
 * each promise that it was given to ACKS at the moment it was given:
 *
 * - `stored SEQ COUNTER`: sample reading COUNTER is durable under SEQ
 * - `settling SEQ`: from here on numbers up to SEQ may go; `refused SEQ`: and this one stays, refused
 * - `counter N`: N was handed out
 * - `captured N`: N captures are durable
 */
const [directory = "", acks = "", rounds = "3"] = process.argv.slice(2);
const file = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(file, `${line}\n`);
};

const open = (): Promise<SqliteOutbox> =>
  openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });

let counter = 0;
let captures = 0;

const append = async (outbox: SqliteOutbox, count: number): Promise<void> => {
  const first = counter + 1;
  counter += count;
  const numbers = Array.from({ length: count }, (_, i) => first + i);
  const appended = await outbox.append(numbers.map((n) => sampleReading(n)));
  for (const [i, { seq }] of appended.entries()) say(`stored ${seq} ${numbers[i]}`);
};

const settle = async (outbox: SqliteOutbox, through: number, refused: number | null): Promise<void> => {
  if (refused !== null) say(`refusing ${refused}`);
  say(`settling ${through}`);
  await outbox.settle(receipt(through, refused === null ? [] : [[refused, "no"]]));
};

const capture = async (outbox: SqliteOutbox): Promise<void> => {
  await outbox.keepUnreadable({ sensor: "cuff", channel: "2a35", reason: "crc", rawHex: "00", receivedUtc: null });
  captures += 1;
  say(`captured ${captures}`);
};

for (let round = 0; round < Number(rounds); round += 1) {
  const outbox = await open();
  // The first group after a start raises the floor of the numbers, and has more than one.
  for (const count of [3, 1, 1, 1]) await append(outbox, count);
  await Promise.all([append(outbox, 1), append(outbox, 3), capture(outbox), append(outbox, 1)]);
  say(`counter ${await outbox.nextCounter()}`);
  const newest = outbox.depth().newest ?? 0;
  await settle(outbox, newest - 4, newest - 5);
  await append(outbox, 12);
  await Promise.all([settle(outbox, newest - 2, null), append(outbox, 2)]);
  const asked = receipt((newest - 2) as Seq, [], [[newest - 5, newest - 5]]);
  // What was refused is asked for again: it waits once more.
  say(`settling ${newest - 2}`);
  await outbox.settle(asked);
  await append(outbox, 1);
  await outbox[Symbol.asyncDispose]();
}
