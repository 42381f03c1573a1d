import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { createHome, type Home, type HomeOptions } from "./home.ts";
import type { HomeEvent } from "./home-event.ts";
import { scenarioNamed } from "./scenario.ts";

const STAND_IN = fileURLToPath(new URL("./stand-in-hub.ts", import.meta.url));
const PATIENCE = seconds(10);

let folder: string;
let events: HomeEvent[];
const never = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-home-"));
  events = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const homeWith = (wrong: string, over: Partial<HomeOptions> = {}): Promise<Home> =>
  createHome({
    seed: 1,
    scenario: scenarioNamed("still"),
    folder,
    hub: [process.execPath, STAND_IN, `--wrong=${wrong}`],
    observe: (event) => events.push(event),
    restartAfter: millis(50),
    ...over,
  });

const weigh = async (home: Home, times: number): Promise<void> => {
  for (let time = 0; time < times; time++) {
    const before = events.filter((event) => event.event === "taken").length;
    home.use("scale");
    await until(() => events.filter((event) => event.event === "taken").length > before, "the scale measured");
  }
};

/** Started, and listening to the scale for long enough that what it loses is its own fault. */
const ready = async (home: Home): Promise<void> => {
  await home.start(never);
  await until(() => home.sensors.find((one) => one.name === "scale")?.line?.settled, "the hub listens to the scale");
};

const accepted = (home: Home): number => home.region.receiver.counts().accepted;

describe("home with a stand-in for the hub", () => {
  it("follows each reading from the scale to the receipt, and sums up", async () => {
    await using home = await homeWith("nothing");
    await ready(home);
    await weigh(home, 3);
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ taken: 3, stored: 3, sent: 3, receipted: 3, lost: 0, duplicatesInEffect: 0 });
    expect(summary).toMatchObject({ problems: [], drained: true, hubStarts: 1, hubExitCode: 0, seed: 1 });
    expect(summary.p50Ms).toBeGreaterThan(0);
    expect(summary.appliedP50Ms).toBeGreaterThan(0);
    expect(summary.rssMb).toBeGreaterThan(10);
    const kinds = events.filter((one) => one.event !== "hub" && one.event !== "link").map((one) => one.event);
    for (const kind of ["taken", "stored", "sent", "receipted", "applied"]) expect(kinds).toContain(kind);
    const receipted = events.filter((one) => one.event === "receipted");
    expect(receipted.map((one) => [one.sensor, one.seq])).toEqual([1, 2, 3].map((number) => ["scale", number]));
    expect(receipted.every((one) => (one.latencyMs ?? 0) > 0)).toBe(true);
  });

  it("waits at the end for what was taken while the hub was just opening the port", async () => {
    await using home = await homeWith("nothing");
    await home.start(never);
    await weigh(home, 3);
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ lost: 0, problems: [] });
    expect(summary.taken + summary.interrupted).toBe(3);
    expect(summary.receipted).toBe(summary.stored);
  });

  it.each([
    ["lose", { lost: 1, drained: false }, /^lost: scale 3/],
    ["alter", { altered: 1, lost: 0 }, /^altered: scale 3: MDC_MASS_BODY_ACTUAL is/],
    ["double", { duplicatesInEffect: 1, lost: 0 }, /took effect twice/],
    ["invent", { unexplained: 1, lost: 0 }, /^not measured: scale/],
  ])("finds out a hub that does this to a reading: %s", async (wrong, expected, problem) => {
    await using home = await homeWith(wrong);
    await ready(home);
    await weigh(home, 3);
    const summary = await home.finish(seconds(2), never);
    expect(summary).toMatchObject(expected);
    expect(summary.problems[0]).toMatch(problem);
  });

  it("says why a hub does not start", async () => {
    await using home = await homeWith("fail");
    await expect(home.start(never)).rejects.toThrow("exit code 3): stand-in: cannot work like this");
  });

  it("starts a killed hub again, and finds everything it had stored", async () => {
    await using home = await homeWith("nothing");
    await ready(home);
    await home.setNetwork("cut");
    await weigh(home, 2);
    await until(() => events.filter((one) => one.event === "stored").length === 2, "both stored");
    expect(accepted(home)).toBe(0);
    await home.hub.kill();
    expect(home.hub.ready).toBe(false);
    await home.hub.whenReady(never);
    await home.setNetwork("up");
    await until(() => accepted(home) === 2, "both arrived");
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ taken: 2, receipted: 2, lost: 0, hubStarts: 2, problems: [] });
    expect(events.filter((one) => one.event === "hub").map((one) => one.state)).toEqual([
      "started",
      "ready",
      "ended",
      "started",
      "ready",
      "ended",
    ]);
  });

  it("counts what a scale printed while the hub was down as interrupted", async () => {
    await using home = await homeWith("nothing", { restartAfter: seconds(1) });
    await home.start(never);
    await home.hub.kill();
    await weigh(home, 1);
    await home.hub.whenReady(never);
    await weigh(home, 1);
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ lost: 0, problems: [] });
    expect(summary.interrupted).toBeGreaterThanOrEqual(1);
    expect(summary.taken + summary.interrupted).toBe(2);
  });

  it("delivers everything over a broker that is restarted and a cable that is pulled", async () => {
    await using home = await homeWith("nothing");
    await home.start(never);
    await weigh(home, 1);
    await home.restartBroker(millis(200), never);
    await home.setPlugged("scale", false);
    await weigh(home, 1);
    await home.setPlugged("scale", true);
    await until(async () => {
      await weigh(home, 1);
      return accepted(home) >= 2;
    }, "the scale was heard again");
    const summary = await home.finish(PATIENCE, never);
    expect(summary).toMatchObject({ lost: 0, duplicatesInEffect: 0, problems: [] });
    expect(summary.interrupted).toBeGreaterThan(0);
  });

  it("leaves no process behind, whatever state it is in", async () => {
    const home = await homeWith("nothing");
    await home.start(never);
    const { pid } = home.hub;
    await home.setNetwork("silent");
    await home[Symbol.asyncDispose]();
    expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
  });
});

describe("scenarios", () => {
  it("name those there are when one is unknown", () => {
    expect(() => scenarioNamed("night")).toThrow('scenario "night": there is none of that name; use day, busy, quiet');
  });
});
