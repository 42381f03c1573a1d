import { describe, expect, it } from "vitest";
import { runHubKills } from "../process/hub-kills.ts";
import { type KillReport, runKills } from "./kill-runs.ts";

const SEED = Number(process.env.HEMHUB_SEED ?? Date.now() % 1_000_000);
const TEN_MINUTES = 600_000;

/** 1 000 in all. The store is killed on two disks at once. */
const STORE_KILLS = [450, 450];
const HUB_KILLS = 100;

/** The figures, for whoever collects them (one line of JSON), and nothing wrong in them. */
const nothingLost = (what: string, { taken, ...found }: KillReport, kills: number): void => {
  process.stdout.write(`${JSON.stringify({ fault: "F03", what, seed: SEED, taken, ...found })}\n`);
  expect(found).toEqual({ kills: expect.any(Number), lost: 0, doubled: 0, altered: 0, wrong: [] });
  expect(found.kills).toBeGreaterThanOrEqual(kills);
  expect(taken).toBeGreaterThan(kills);
};

describe("F03: nothing that was acknowledged is lost, doubled, altered or stuck", () => {
  it(`when a process that stores, sends and settles is killed 900 times (seed ${SEED})`, async () => {
    const signal = AbortSignal.timeout(2 * TEN_MINUTES);
    const runs = STORE_KILLS.map((count, lane) => runKills({ count, seed: SEED + lane }, signal));
    for (const [lane, report] of (await Promise.all(runs)).entries()) {
      nothingLost("store", report, STORE_KILLS[lane] ?? 0);
    }
  });

  it(`when a whole hub between sensors and a region is killed 100 times (seed ${SEED})`, async () => {
    const signal = AbortSignal.timeout(2 * TEN_MINUTES);
    nothingLost("hub", await runHubKills({ count: HUB_KILLS, seed: SEED }, signal), HUB_KILLS);
  });
});
