import { hash } from "node:crypto";
import { writeSync } from "node:fs";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";

/**
 * A process to be killed: `append-for-ever.ts DIRECTORY FIRST`. Appends sample readings FIRST, FIRST + 1 ... from four
 * callers at once, sends batches to a region that is whoever reads its output, and settles them as receipts would. It
 * writes what it was told and what it does, each line before the next call:
 *
 * - `open NEWEST WAITING whole|recovered`, once
 * - `stored SEQ COUNTER` or `duplicate SEQ COUNTER`: sample reading COUNTER is durable under SEQ
 * - `sent SEQ ID DIGEST`: the region has the reading; DIGEST is of its JSON
 * - `counter N`: N was handed out
 */
const [directory = "", first = "0"] = process.argv.slice(2);

const BATCH = 8;
/** Of these, the region refuses one in so many. */
const REFUSED_ONE_IN = 9;

const outbox = await openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const { newest, waiting } = outbox.depth();
say(`open ${newest ?? 0} ${waiting} ${outbox.recovered === null ? "whole" : "recovered"}`);

let next = Number(first);

const append = async (): Promise<void> => {
  for (;;) {
    const counter = next;
    next += 1;
    const [appended] = await outbox.append([sampleReading(counter)]);
    say(`${appended?.tag} ${appended?.seq} ${counter}`);
  }
};

/** What waits goes to the region in order, and is settled by its receipt: now and then after a resend. */
const forward = async (): Promise<void> => {
  for (let round = 0; ; round += 1) {
    const batch = await outbox.next(0, BATCH);
    for (const reading of batch) {
      say(`sent ${reading.seq} ${reading.id} ${hash("sha1", JSON.stringify(reading), "hex")}`);
    }
    const last = batch.at(-1);
    if (last !== undefined && round % 3 !== 0) {
      const refused = batch.filter(({ seq }) => seq % REFUSED_ONE_IN === 0);
      await outbox.settle(
        receipt(
          last.seq,
          refused.map(({ seq }) => [seq, "odd"]),
        ),
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const count = async (): Promise<void> => {
  for (;;) {
    say(`counter ${await outbox.nextCounter()}`);
    // Most are given from memory: without a pause nothing else would have its turn.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

await Promise.race([append(), append(), append(), append(), forward(), ...(next % 5 === 0 ? [count()] : [])]);
