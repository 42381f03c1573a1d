import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { NOTHING } from "../../bench/durability/result.ts";
import { runSuites } from "../../bench/durability/run-suites.ts";
import type { FaultSuite, SuiteRequest } from "../../bench/durability/suite.ts";

const suite = (parts: Partial<FaultSuite>): FaultSuite => ({
  fault: "F01",
  name: "a suite",
  about: "About it.",
  injects: "kill",
  quick: { atLeast: 1, share: 1 },
  full: { atLeast: 10 },
  run: async ({ atLeast }) => ({ ...NOTHING, injected: atLeast }),
  ...parts,
});

const options = { mode: "quick", seed: 5, box: 1000, say: () => undefined } as const;
const live = new AbortController().signal;

it("leaves out of a quick run what has no quick form, and asks for the minimum of the run", async () => {
  const suites = [suite({}), suite({ quick: null, fault: "F11" })];
  const quick = await runSuites(suites, options, live);
  expect(quick.map(({ suite: { fault }, atLeast }) => [fault, atLeast])).toEqual([["F01", 1]]);
  const full = await runSuites(suites, { ...options, mode: "full" }, live);
  expect(full.map(({ suite: { fault }, atLeast }) => [fault, atLeast])).toEqual([
    ["F01", 10],
    ["F11", 10],
  ]);
});

it("lets the clock stop a quick run only, and ends a full run of kills with its minimum", async () => {
  const asked: SuiteRequest[] = [];
  const asks = suite({
    run: async (request) => {
      asked.push(request);
      return NOTHING;
    },
  });
  await runSuites([asks], { ...options, box: 0 }, live);
  await runSuites([asks, { ...asks, injects: "cut" }], { ...options, box: 0, mode: "full" }, live);
  expect(asked.map((request) => request.isTimeUp())).toEqual([true, false, false]);
  expect(asked.map(({ atMost }) => atMost)).toEqual([Number.POSITIVE_INFINITY, 10, Number.POSITIVE_INFINITY]);
});

it("goes on after a suite that broke off, whose result says why, without paths of the machine", async () => {
  const broken = suite({ run: () => Promise.reject(new Error(`no room in ${join(tmpdir(), "x")}`)) });
  const [first, second] = await runSuites([broken, suite({})], options, live);
  expect(first?.outcome).toMatchObject({ injected: 0, wrong: ["the suite broke off: no room in /x"] });
  expect(second?.outcome).toMatchObject({ injected: 1, wrong: [] });
});

it("ends at once where it is stopped", async () => {
  const stopped = AbortSignal.abort(new Error("stopped"));
  const stops = suite({
    run: async (_, signal) => {
      signal.throwIfAborted();
      return NOTHING;
    },
  });
  await expect(runSuites([stops, suite({})], options, stopped)).rejects.toThrow("stopped");
});
