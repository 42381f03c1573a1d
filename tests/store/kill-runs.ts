import { type ChildProcess, spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { JOURNAL_LIMIT } from "../../gateway/store/database-file.ts";
import type { SqliteOutbox } from "../../gateway/store/outbox.ts";
import { type Chance, createChance } from "../../hardware-sim/radio/seeded.ts";
import { receipt } from "../contract/outbox-receipts.ts";
import { bundledScript } from "../support/bundled.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

export interface KillPlan {
  readonly count: number;
  readonly seed: number;
}

/** What a run of kills found. All but `kills` and `taken` is 0 and empty in a good run. */
export interface KillReport {
  readonly kills: number;
  /** Readings that the outbox acknowledged. */
  readonly taken: number;
  /** Acknowledged, and in the end neither at the region nor waiting. */
  readonly lost: number;
  /** Came to the region, or were acknowledged, under two numbers. */
  readonly doubled: number;
  readonly altered: number;
  /** Other broken promises, as sentences with the kill they were found after; the first 20. */
  readonly wrong: readonly string[];
}

const MOST_WRONG = 20;
/** Far more than a start and some commits take on the slowest card. */
const STUCK_AFTER_MS = 60_000;
/** A group of commits may come on top of the size at which the journal is copied. */
const LARGEST_JOURNAL = 2 * JOURNAL_LIMIT;

export const WORKLOAD = fileURLToPath(new URL("append-for-ever.ts", import.meta.url));

export const startLife = (script: string, directory: string, first: number): ChildProcess =>
  spawn(process.execPath, [script, directory, `${first}`], { stdio: ["ignore", "pipe", "inherit"] });

/** In a sixth of the lives the kill comes while it starts, else after some line: mostly early, now and then late. */
const killMoment = (chance: Chance): { readonly lines: number } | { readonly afterMs: number } =>
  chance.happens(1 / 6) ? { afterMs: chance.whole(20, 250) } : { lines: 1 + Math.floor(chance.fraction() ** 2 * 400) };

/** The lines of one life until its death. */
const liveAndDie = async (life: ChildProcess, chance: Chance, signal: AbortSignal): Promise<readonly string[]> => {
  if (life.stdout === null) throw new Error("the process has no output");
  const heard: string[] = [];
  const ended = once(life, "exit");
  const kill = (): void => void life.kill("SIGKILL");
  const stuck = setTimeout(kill, STUCK_AFTER_MS);
  signal.addEventListener("abort", kill, { once: true });
  const moment = killMoment(chance);
  if ("afterMs" in moment) void pause(moment.afterMs).then(kill);
  try {
    for await (const line of createInterface({ input: life.stdout })) {
      heard.push(line);
      if ("lines" in moment && heard.length === moment.lines) kill();
    }
    const [code] = await ended;
    if (code !== null) heard.push("died");
  } finally {
    clearTimeout(stuck);
    signal.removeEventListener("abort", kill);
  }
  if ("lines" in moment && heard.length < moment.lines) heard.push("stuck");
  return heard;
};

/** What the world outside the store knows: the sensor what was acknowledged to it, the region what it was sent. */
interface World {
  /** Counter of the sample reading by its number. */
  readonly acknowledged: Map<number, number>;
  readonly region: Map<string, { readonly seq: number; readonly digest: string }>;
  counter: number;
}

const createJudge = (seed: number) => {
  const world: World = { acknowledged: new Map(), region: new Map(), counter: 0 };
  const numbers = new Map<number, number>();
  const wrong: string[] = [];
  let [lost, doubled, altered, kill] = [0, 0, 0, 0];

  const complain = (sentence: string): void => {
    if (wrong.length < MOST_WRONG) wrong.push(`seed ${seed}, kill ${kill}: ${sentence}`);
  };
  const acknowledge = (what: string, seq: number, counter: number, newestAtOpen: number): void => {
    const known = numbers.get(counter);
    if (known !== undefined && known !== seq) doubled += 1;
    if (what === "stored" && world.acknowledged.has(seq)) complain(`number ${seq} was given twice`);
    if (what === "stored" && seq <= newestAtOpen) complain(`number ${seq} was below the newest at the start`);
    numbers.set(counter, seq);
    world.acknowledged.set(seq, counter);
  };
  const receive = (seq: number, id: string, digest: string): void => {
    const known = world.region.get(id);
    if (known !== undefined && known.seq !== seq) doubled += 1;
    if (known !== undefined && known.digest !== digest) altered += 1;
    world.region.set(id, { seq, digest });
  };
  const handOut = (counter: number): void => {
    if (counter <= world.counter) complain(`counter ${counter} was handed out twice`);
    world.counter = Math.max(world.counter, counter);
  };

  return {
    world,
    complain,
    receive,
    hear: (lines: readonly string[]): void => {
      kill += 1;
      const isOdd = (line: string): boolean => line === "stuck" || line === "died";
      if (lines.some(isOdd)) complain(`it ended by itself, or did nothing for ${STUCK_AFTER_MS / 1000} s`);
      const [opened, ...rest] = lines.filter((line) => !isOdd(line));
      if (opened === undefined) return;
      const [, newest, , state] = opened.split(" ");
      if (state !== "whole") complain(`it began with "${opened}"`);
      if (Number(newest) < Math.max(0, ...world.acknowledged.keys())) complain(`it began with "${opened}"`);
      for (const line of rest) {
        const [what = "", first = "", second = "", third = ""] = line.split(" ");
        if (what === "counter") handOut(Number(first));
        else if (what === "sent") receive(Number(first), second, third);
        else acknowledge(what, Number(first), Number(second), Number(newest));
      }
    },
    /** After the last drain: everything that was acknowledged is at the region, as it was taken. */
    report: (): KillReport => {
      for (const [seq, counter] of world.acknowledged) {
        const reading = { ...sampleReading(counter), seq };
        const arrived = world.region.get(reading.id);
        if (arrived === undefined) lost += 1;
        else if (arrived.digest !== hash("sha1", JSON.stringify(reading), "hex")) altered += 1;
      }
      return { kills: kill, taken: numbers.size, lost, doubled, altered, wrong };
    },
  };
};

type Judge = ReturnType<typeof createJudge>;

/** What was acknowledged in the last life is known under its number, and the journal has not grown for ever. */
const checkAfterKill = async (scratch: ScratchOutbox, judge: Judge, recent: readonly number[]): Promise<void> => {
  const journal = await stat(scratch.file("outbox.db-wal")).catch(() => ({ size: 0 }));
  if (journal.size > LARGEST_JOURNAL) judge.complain(`the journal has ${journal.size} bytes`);
  await using outbox = await scratch.open();
  if (outbox.recovered !== null) judge.complain(`took the disk for damaged: ${outbox.recovered.sentence}`);
  const counters = recent.map((seq) => judge.world.acknowledged.get(seq) ?? 0);
  const again = await outbox.append(counters.map((counter) => sampleReading(counter)));
  for (const [i, seq] of recent.entries()) {
    const known = again[i];
    if (known?.tag !== "duplicate" || known.seq !== seq)
      judge.complain(`number ${seq} is not known any more: ${known?.tag} ${known?.seq}`);
  }
};

/** The region gets what still waits, without a kill. */
const drain = async (outbox: SqliteOutbox, judge: Judge): Promise<void> => {
  for (let batch = await outbox.next(0, 500); batch.length > 0; batch = await outbox.next(0, 500)) {
    for (const reading of batch) judge.receive(reading.seq, reading.id, hash("sha1", JSON.stringify(reading), "hex"));
    await outbox.settle(receipt(batch.at(-1)?.seq ?? 0));
  }
  const { waiting, newest } = outbox.depth();
  if (waiting > 0) judge.complain(`${waiting} readings are stuck`);
  const { numbers, skipped, lines } = outbox.account();
  const accounted = lines.reduce((sum, line) => sum + line.stored, 0);
  if (skipped > 0 || (numbers !== null && accounted !== numbers.to - numbers.from + 1)) {
    judge.complain(`the account has ${accounted} readings and ${skipped} gaps up to number ${newest}`);
  }
};

/**
 * kill -9 of a process that stores, sends and settles, `count` times on the same files, each followed by checks. The
 * seed decides the moments, as far as processes let themselves be decided upon. Rejects with the signal's reason.
 */
export const runKills = async ({ count, seed }: KillPlan, signal: AbortSignal): Promise<KillReport> => {
  const chance = createChance(seed);
  const judge = createJudge(seed);
  await using scratch = await createScratchOutbox();
  await using workload = await bundledScript(WORKLOAD);
  let first = 1;
  for (let kill = 0; kill < count; kill += 1) {
    signal.throwIfAborted();
    const before = judge.world.acknowledged.size;
    judge.hear(await liveAndDie(startLife(workload.file, scratch.directory, first), chance, signal));
    const recent = [...judge.world.acknowledged.keys()].slice(before);
    await checkAfterKill(scratch, judge, recent);
    // What the sensor did not hear acknowledged it sends again, and a little of what it did.
    const newest = Math.max(0, ...recent.map((seq) => judge.world.acknowledged.get(seq) ?? 0));
    if (newest > 0) first = Math.max(1, newest - 2);
  }
  signal.throwIfAborted();
  await using outbox = await scratch.open();
  await drain(outbox, judge);
  return judge.report();
};
