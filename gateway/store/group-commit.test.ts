import { expect, it } from "vitest";
import { createGroupCommit } from "./group-commit.ts";

interface Job {
  readonly name: string;
  readonly bytes: number;
}

const job = (name: string, bytes = 1): Job => ({ name, bytes });

/** Commits that finish when the test says so. */
const gated = (bound: { tasks: number; bytes: number }) => {
  const groups: string[] = [];
  const gates: (() => void)[] = [];
  const commits = createGroupCommit<Job>(
    bound,
    ({ bytes }) => bytes,
    (group) => {
      groups.push(group.map(({ name }) => name).join(""));
      return new Promise((resolve) => gates.push(resolve));
    },
  );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const finish = async (): Promise<void> => {
    await turn();
    gates.shift()?.();
    await turn();
  };
  return { commits, groups, finish };
};

it("puts what comes in one turn into one group, and gathers the next while that one commits", async () => {
  const { commits, groups, finish } = gated({ tasks: 10, bytes: 100 });
  for (const name of ["a", "b"]) commits.submit(job(name));
  await Promise.resolve();
  expect(groups).toEqual(["ab"]);
  for (const name of ["c", "d", "e"]) commits.submit(job(name));
  expect(commits.queued).toBe(3);
  await finish();
  expect(groups).toEqual(["ab", "cde"]);
  await finish();
  await commits.idle();
  expect(commits.queued).toBe(0);
});

it("bounds a group by tasks and by bytes, and lets one that is too large go alone", async () => {
  const { commits, groups, finish } = gated({ tasks: 3, bytes: 10 });
  for (const [name, bytes] of [
    ["a", 4],
    ["b", 6],
    ["c", 1],
    ["d", 99],
    ["e", 1],
    ["f", 1],
    ["g", 1],
    ["h", 1],
  ] as const) {
    commits.submit(job(name, bytes));
  }
  for (let i = 0; i < 6; i += 1) await finish();
  await commits.idle();
  expect(groups).toEqual(["ab", "c", "d", "efg", "h"]);
});

it("starts again after it was idle", async () => {
  const { commits, groups, finish } = gated({ tasks: 3, bytes: 10 });
  commits.submit(job("a"));
  await finish();
  await commits.idle();
  commits.submit(job("b"));
  await finish();
  await commits.idle();
  expect(groups).toEqual(["a", "b"]);
});
