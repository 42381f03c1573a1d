import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sampleReading } from "../support/sample-reading.ts";
import { createScratchOutbox, type ScratchOutbox } from "./scratch-outbox.ts";

let scratch: ScratchOutbox;

beforeEach(async () => {
  scratch = await createScratchOutbox();
});

afterEach(() => scratch[Symbol.asyncDispose]());

const KILLS = 32;
const SEED = Number(process.env.HEMHUB_SEED ?? Date.now() % 1_000_000);

/** Small generator (mulberry32), so that a failing run can be repeated by its seed. */
const randomFrom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const child = (first: number): ChildProcess =>
  spawn(
    process.execPath,
    [fileURLToPath(new URL("append-for-ever.ts", import.meta.url)), scratch.directory, `${first}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );

/** Lines of one life, killed as soon as it has written `lines` of them. */
const liveUntil = async (process: ChildProcess, lines: number): Promise<readonly string[]> => {
  if (process.stdout === null) throw new Error("the child has no output");
  const heard: string[] = [];
  const ended = once(process, "exit");
  for await (const line of createInterface({ input: process.stdout })) {
    heard.push(line);
    if (heard.length === lines) process.kill("SIGKILL");
  }
  await ended;
  return heard;
};

it("F03: keeps every acknowledged reading, and gives no number twice, however often it is killed", async () => {
  const random = randomFrom(SEED);
  const stored = new Map<number, number>();
  const settling = new Set<number>();
  const counters: number[] = [];
  let first = 1;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const heard = await liveUntil(child(first), 2 + Math.floor(random() ** 2 * 400));
    const [opened = ""] = heard;
    expect(opened, `seed ${SEED}, kill ${kill}`).toMatch(/^open \d+ whole$/);
    const newestAtOpen = Number(opened.split(" ")[1]);
    expect(newestAtOpen, `seed ${SEED}, kill ${kill}`).toBeGreaterThanOrEqual(Math.max(0, ...stored.keys()));
    for (const line of heard.slice(1)) {
      const [what, number, counter] = line.split(" ");
      if (what === "settling") settling.add(Number(number));
      else if (what === "counter") counters.push(Number(number));
      else {
        // A reading whose commit was durable before the kill, and its answer not yet heard, is a duplicate now.
        if (what === "stored") {
          expect(stored.has(Number(number)), `seed ${SEED}: number ${number} was given twice`).toBe(false);
          expect(Number(number)).toBeGreaterThan(newestAtOpen);
        }
        stored.set(Number(number), Number(counter));
      }
    }
    first = Math.max(0, ...stored.values()) - 2;
  }
  expect(stored.size).toBeGreaterThan(KILLS);
  expect(counters).toEqual(counters.toSorted((a, b) => a - b));
  expect(new Set(counters).size).toBe(counters.length);

  const outbox = await scratch.open();
  expect(outbox.recovered).toBeNull();
  const { newest, refused } = outbox.depth();
  expect(refused).toBeGreaterThan(0);
  const waiting = await outbox.next(0, 1_000_000);
  expect(waiting.map(({ seq }) => seq)).toEqual(waiting.map(({ seq }) => seq as number).toSorted((a, b) => a - b));
  for (const reading of waiting) {
    const counter = stored.get(reading.seq);
    if (counter !== undefined) expect(reading).toEqual({ ...sampleReading(counter), seq: reading.seq });
  }
  // Whether it waits, was refused or was settled: every acknowledged reading is still known under its number.
  const acknowledged = [...stored];
  const known = await outbox.append(acknowledged.map(([, counter]) => sampleReading(counter)));
  expect(known).toEqual(acknowledged.map(([seq]) => ({ tag: "duplicate", seq })));
  expect(outbox.depth().newest).toBe(newest);
}, 180_000);

it("lets nobody else in while a hub has the outbox, and the next one as soon as it is killed", async () => {
  const holder = child(1);
  const ended = once(holder, "exit");
  if (holder.stdout === null) throw new Error("the child has no output");
  await once(createInterface({ input: holder.stdout }), "line");
  await expect(scratch.open()).rejects.toMatchObject({
    code: "invalid-config",
    message: expect.stringContaining("another hub is using it"),
  });
  holder.kill("SIGKILL");
  await ended;
  expect((await scratch.open()).recovered).toBeNull();
}, 30_000);
