import { writeSync } from "node:fs";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import type { Seq } from "../../protocol/ids.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";

/**
 * A process to be killed: `append-for-ever.ts DIRECTORY FIRST`. Appends sample readings FIRST, FIRST + 1 ... from four
 * callers at once, settles some, and writes what it was told, each line before the next call: `stored SEQ COUNTER`.
 */
const [directory = "", first = "0"] = process.argv.slice(2);

const outbox = await openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
say(`open ${outbox.depth().newest ?? 0} ${outbox.recovered === null ? "whole" : "recovered"}`);

let next = Number(first);

const append = async (): Promise<void> => {
  for (;;) {
    const counter = next;
    next += 1;
    const [appended] = await outbox.append([sampleReading(counter)]);
    say(`${appended?.tag} ${appended?.seq} ${counter}`);
  }
};

/** Half of the numbers, so that deletes are under way as well. */
const settle = async (): Promise<void> => {
  for (;;) {
    const [oldest] = await outbox.next(0, 1);
    if (oldest !== undefined && oldest.seq % 2 === 0) {
      say(`settling ${oldest.seq}`);
      await outbox.settle({ series: null, through: oldest.seq, refused: [], missing: [] });
    } else if (oldest !== undefined) {
      const refused = [{ seq: oldest.seq, reason: "odd" }];
      await outbox.settle({ series: null, through: (oldest.seq - 1) as Seq | 0, refused, missing: [] });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const count = async (): Promise<void> => {
  for (;;) say(`counter ${await outbox.nextCounter()} -`);
};

await Promise.race([append(), append(), append(), append(), settle(), ...(next % 5 === 0 ? [count()] : [])]);
