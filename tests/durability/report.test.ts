import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { requirement, titled } from "../support/requirements.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const ROOT = here("../..");
const cc = requirement("cc");

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-report-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = async (program: string, ...args: readonly string[]): Promise<Ended> => {
  const child = spawn(process.execPath, [program, ...args], { cwd: place, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk.toString("utf8");
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...said };
};

/** What would make a page load something, or tell where it was made. */
const TRACES = [/<script/i, /<link/i, /<img/i, /\bsrc=/i, /\bhref=/i, /url\(/i, /@import/i, /https?:/i];
const PLACES = [ROOT, `${tmpdir()}/`, "/dev/shm", `${homedir()}/`];

const expectSelfContained = (page: string): void => {
  expect(TRACES.filter((trace) => trace.test(page))).toEqual([]);
  expect(PLACES.filter((path) => page.includes(path))).toEqual([]);
};

const count = expect.any(Number);
const FAULT_LINE = {
  fault: expect.stringMatching(/^F\d\d$/),
  suite: expect.any(String),
  injects: expect.stringMatching(/^(cut|kill|trouble)$/),
  injected: count,
  atLeast: count,
  taken: count,
  lost: 0,
  altered: 0,
  duplicatesInEffect: 0,
  recoveryMs: expect.any(Object),
  wrong: [],
  result: "passed",
};

describe.skipIf(!cc.available)(titled("the durability report as a process", cc), () => {
  it("ends with 0, one line of JSON and a page of its own, where nothing was lost", async () => {
    const { code, stdout, stderr } = await run(
      here("short-report.ts"),
      "--quick",
      "--json",
      "--seed",
      "11",
      "--out",
      "a/b.html",
    );
    expect(code, stderr).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    const summary = JSON.parse(stdout) as Record<string, unknown> & { faults: { injected: number; atLeast: number }[] };
    expect(summary).toMatchObject({
      cuts: count,
      taken: count,
      lost: 0,
      altered: 0,
      duplicatesInEffect: 0,
      kills: count,
      seconds: count,
      seed: 11,
      mode: "quick",
      passed: true,
      version: manifest.version,
      node: process.versions.node,
      sqlite: expect.stringMatching(/^3\./),
      kernel: expect.stringMatching(/^Linux /),
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      faults: ["F01", "F02", "F03", "F30"].map((fault) => ({ ...FAULT_LINE, fault })),
      control: { seesLoss: true },
    });
    expect(summary.cuts).toBeGreaterThan(7);
    expect(summary.kills).toBeGreaterThan(0);
    for (const { injected, atLeast } of summary.faults) expect(injected).toBeGreaterThanOrEqual(atLeast);
    expect(PLACES.filter((path) => stdout.includes(path))).toEqual([]);

    const page = await readFile(join(place, "a", "b.html"), "utf8");
    expectSelfContained(page);
    expect(page).toContain("<h1>Nothing was lost.</h1>");
    expect(page).toContain("--quick --seed 11");
    expect(page).toContain("Left out of a quick run: F01 power cut at start and stop of the whole hub;");
  }, 120_000);

  it("ends with 1, and a page that says so, where a store loses what it acknowledged", async () => {
    const { code, stdout, stderr } = await run(here("planted-loss.ts"), "--quick", "--json", "--out", "page.html");
    expect(code, stderr).toBe(1);
    const summary = JSON.parse(stdout) as {
      lost: number;
      passed: boolean;
      faults: { result: string; wrong: string[] }[];
    };
    expect(summary.lost).toBeGreaterThan(0);
    expect(summary.passed).toBe(false);
    expect(summary.faults[0]).toMatchObject({ result: "failed" });
    expect(summary.faults[0]?.wrong[0]).toMatch(/^cut after \d+ operations, (unsynced|some)-lost: \d+ lost$/);
    expect(stderr).toContain("FAILED");
    const page = await readFile(join(place, "page.html"), "utf8");
    expectSelfContained(page);
    expect(page).toContain("<h1>Readings were lost.</h1>");
    expect(page).toContain('<header class="failed">');
    expect(page).toContain("What went wrong");
  }, 60_000);

  it("ends with 2 and says what to write, where it is asked for what it cannot do", async () => {
    const { code, stdout, stderr } = await run(here("short-report.ts"), "--seed", "-1");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("--seed");
    expect(stderr).toContain("npm run report:durability");
  }, 60_000);
});
