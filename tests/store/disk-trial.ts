import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { isHubError } from "../../protocol/errors.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";

/**
 * A process of its own that meets a real bad disk: `disk-trial.ts TRIAL PLACE`, in a mount namespace for `full` and
 * `read-only`, with failing-fsync.c preloaded for `failing`. Writes what it saw as one JSON object.
 */
const [trial = "", place = ""] = process.argv.slice(2);

const directory = join(place, "outbox");
const open = () => openSqliteOutbox({ directory, clock: createSystemClock(), logger: silentLogger });

const refusalOf = async (call: Promise<unknown>): Promise<{ code: string; message: string }> => {
  try {
    await call;
  } catch (thrown) {
    if (isHubError(thrown)) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  return { code: "none", message: "it was accepted" };
};

/** 4 MB of disk with 3 MB taken by something else. */
const full = async (): Promise<unknown> => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", place]);
  const other = join(place, "other");
  await writeFile(other, new Uint8Array(3 * 1024 * 1024));
  const outbox = await open();
  let stored = 0;
  let refusal = await refusalOf(Promise.resolve());
  while (refusal.code === "none" && stored < 10_000) {
    refusal = await refusalOf(outbox.append([sampleReading(stored)]));
    if (refusal.code === "none") stored += 1;
  }
  const again = await refusalOf(outbox.append([sampleReading(stored)]));
  const whileFull = (await outbox.next(0, 100_000)).length;
  await outbox.settle(receipt(10));
  await rm(other);
  const [afterwards] = await outbox.append([sampleReading(stored)]);
  await outbox[Symbol.asyncDispose]();
  const reopened = await open();
  const kept = (await reopened.next(0, 100_000)).map(({ seq }) => seq);
  await reopened[Symbol.asyncDispose]();
  return { stored, refusal, again, whileFull, afterwards, kept: [kept[0], kept.length], recovered: reopened.recovered };
};

const readOnly = async (): Promise<unknown> => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", place]);
  await mkdir(directory);
  const remount = (how: string): Buffer => execFileSync("mount", ["-o", `remount,${how}`, place]);
  remount("ro");
  const empty = await refusalOf(open());
  remount("rw");
  const outbox = await open();
  await outbox.append([sampleReading(1), sampleReading(2)]);
  await outbox[Symbol.asyncDispose]();
  remount("ro");
  const filled = await refusalOf(open());
  remount("rw");
  const again = await open();
  const waiting = again.depth().waiting;
  await again[Symbol.asyncDispose]();
  return { empty, filled, waiting };
};

const failing = async (): Promise<unknown> => {
  const sign = process.env.HEMHUB_FSYNC_FAILS ?? "";
  const outbox = await open();
  await outbox.append([sampleReading(1)]);
  await writeFile(sign, "");
  const first = await refusalOf(outbox.append([sampleReading(2)]));
  const second = await refusalOf(outbox.append([sampleReading(3)]));
  await rm(sign);
  await until(() => outbox.trouble === null, "the outbox is open again");
  // The commit of reading 2 may have reached the disk although its fsync failed: then it is a duplicate now.
  const after = await outbox.append([sampleReading(1), sampleReading(2), sampleReading(3)]);
  await outbox[Symbol.asyncDispose]();
  const reopened = await open();
  const waiting = (await reopened.next(0, 10)).map(({ seq }) => seq);
  await reopened[Symbol.asyncDispose]();
  return { first, second, after, waiting, recovered: reopened.recovered };
};

const trials: Record<string, () => Promise<unknown>> = { full, "read-only": readOnly, failing };
const outcome = await trials[trial]?.();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
