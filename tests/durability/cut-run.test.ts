import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { Aftermath } from "../../bench/durability/after-fault.ts";
import { plannedCuts, runCuts, timelineOf } from "../../bench/durability/cut-run.ts";
import type { SuiteRequest } from "../../bench/durability/suite.ts";
import type { Cut } from "../power-cut/cuts.ts";
import type { Recording } from "../power-cut/record.ts";
import type { Operation } from "../power-cut/recording.ts";

const ROOT = "/recorded";

/** A file that is written and now and then synchronised, with an acknowledgement after each. */
const recording: Recording = {
  root: ROOT,
  operations: [
    { tag: "create", inode: 7n, path: `${ROOT}/file` },
    { tag: "open-directory", inode: 1n, path: ROOT },
    { tag: "sync", inode: 1n },
    ...Array.from({ length: 20 }, (_, i): readonly Operation[] => [
      { tag: "write", inode: 7n, offset: i * 600, bytes: Buffer.alloc(600, i + 1) },
      { tag: "write", inode: 7n, offset: i, bytes: Buffer.from([i]) },
      { tag: "sync", inode: 7n },
      { tag: "acknowledge", text: `stored ${i}\n` },
    ]).flat(),
  ],
};

const printOf = ({ files, acknowledged }: Cut): string => {
  const hash = createHash("sha1").update(String(acknowledged.length));
  for (const [path, content] of files) hash.update(path).update(content);
  return hash.digest("hex");
};

const printsOf = (request: Parameters<typeof plannedCuts>[1]): readonly string[] =>
  Array.from(plannedCuts(recording, request), printOf);

it("tries no disk twice, and in quick passes all that a full run tries, apart from what chance keeps", () => {
  const full = printsOf({ mode: "full", seed: 3 });
  const quick = printsOf({ mode: "quick", seed: 3 });
  expect(new Set(full).size).toBe(full.length);
  expect(new Set(quick).size).toBe(quick.length);
  expect(full.length).toBeGreaterThan(80);
  expect(quick.length).toBeGreaterThanOrEqual(full.length);
});

it("tries the same disks in the same order for the same seed, and others for another", () => {
  const quick = printsOf({ mode: "quick", seed: 3 });
  expect(printsOf({ mode: "quick", seed: 3 })).toEqual(quick);
  expect(printsOf({ mode: "quick", seed: 4 })).not.toEqual(quick);
});

it("names the file of every operation, and what was said between them", () => {
  expect(timelineOf(recording).slice(0, 7)).toEqual([
    { tag: "create", file: "file", said: [] },
    { tag: "open-directory", file: "recorded/", said: [] },
    { tag: "sync", file: "recorded/", said: [] },
    { tag: "write", file: "file", said: [] },
    { tag: "write", file: "file", said: [] },
    { tag: "sync", file: "file", said: [] },
    { tag: "acknowledge", file: null, said: ["stored"] },
  ]);
});

const good: Aftermath = {
  taken: 2,
  lost: 0,
  altered: 0,
  doubled: 0,
  sentAgain: 1,
  broken: [],
  falseAlarm: false,
  recoveryMs: 5,
};

const request = (parts: Partial<SuiteRequest>): SuiteRequest => ({
  seed: 1,
  mode: "quick",
  atLeast: 5,
  atMost: 1000,
  isTimeUp: () => true,
  say: () => undefined,
  ...parts,
});

const live = new AbortController().signal;

it("does its minimum although the time is up, and sums up what was found", async () => {
  const found: Aftermath = {
    ...good,
    lost: 1,
    altered: 2,
    doubled: 3,
    falseAlarm: true,
    broken: ["a capture is gone"],
  };
  const outcome = await runCuts(recording, async () => found, request({}), live);
  expect(outcome).toMatchObject({
    injected: 5,
    taken: 10,
    lost: 5,
    altered: 10,
    doubled: 15,
    sentAgain: 5,
    falseAlarms: 5,
    recoveriesMs: [5, 5, 5, 5, 5],
  });
  expect(outcome.wrong).toHaveLength(5);
  expect(outcome.wrong[0]).toMatch(/^cut after \d+ operations, .+: 1 lost; 2 altered; 3 doubled; a capture is gone$/);
  expect(outcome.cuts.reduce((sum, { cuts }) => sum + cuts, 0)).toBe(5);
});

it("goes on until the time is up, and no further than asked for", async () => {
  let looks = 0;
  const isTimeUp = (): boolean => {
    looks += 1;
    return looks > 10;
  };
  expect((await runCuts(recording, async () => good, request({ isTimeUp }), live)).injected).toBe(15);
  const asked = request({ isTimeUp: () => false, atMost: 7 });
  expect((await runCuts(recording, async () => good, asked, live)).injected).toBe(7);
});

it("counts all that was acknowledged as lost where the program does not start on the disk", async () => {
  const check = (): Promise<Aftermath> => Promise.reject(new Error("not a database"));
  const outcome = await runCuts(recording, check, request({ atLeast: 20 }), live);
  expect(outcome.lost).toBeGreaterThan(20);
  expect(outcome.lost).toBe(outcome.taken);
  expect(outcome.wrong[0]).toContain("it does not start: Error: not a database");
});
