import { beforeEach, expect, it } from "vitest";
import type { ReleaseOutcome } from "../../protocol/desired.ts";
import { HubError } from "../../protocol/errors.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import { createSimulatedClock, type SimulatedClock } from "../clock/simulated-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { countsOf, livePlan, missingOf } from "./release-plan.ts";
import type { Campaign, Releases } from "./releases.ts";

const PLAN = { first: [1000, 1000], contents: ["good", "broken"] } as const;

let clock: SimulatedClock;
let campaigns: Campaign[];
let said: string[];

beforeEach(() => {
  clock = createSimulatedClock();
  campaigns = [];
  said = [];
});

const outcome = (counter: number, result: ReleaseOutcome["result"], code: string | null): ReleaseOutcome => ({
  result,
  campaign: "c",
  target: "t",
  counter,
  code,
  at: null,
});

/** Releases that end as told, 5 s after each was published; null: never. */
const ending = (...results: readonly (ReleaseOutcome["result"] | null)[]): Releases => {
  let over: Promise<void> = Promise.resolve();
  const releases: Pick<Releases, "campaigns" | "publishNext" | "whenOver"> = {
    campaigns,
    publishNext: async (signal) => {
      const counter = campaigns.length + 1;
      const result = results[campaigns.length];
      if (result === undefined) throw new HubError("aborted", "release publish: no mksquashfs");
      const content = campaigns.length % 2 === 0 ? "good" : "broken";
      campaigns.push({ content, counter, outcome: null });
      const wait = result === null ? minutes(60) : seconds(5);
      over = clock.sleep(wait, signal).then(() => {
        if (result !== null) campaigns[counter - 1] = { content, counter, outcome: outcome(counter, result, null) };
      });
    },
    whenOver: () => over,
  };
  return releases as Releases;
};

const lived = async (releases: Releases, signal = new AbortController().signal): Promise<void> => {
  let isOver = false;
  const living = livePlan(PLAN, { releases, clock, chance: createChance(1) }, (text) => said.push(text), signal);
  const ended = living.then(() => {
    isOver = true;
  });
  for (let passed = 0; !isOver && passed < minutes(10); passed += 1000) await clock.advance(millis(1000));
  await ended;
};

it("publishes one after the other, and nothing is missing where each ends as it should", async () => {
  await lived(ending("installed", "rolled-back"));
  expect(campaigns.map(({ content, outcome: of }) => [content, of?.result])).toEqual([
    ["good", "installed"],
    ["broken", "rolled-back"],
  ]);
  expect([missingOf(PLAN, campaigns), countsOf(campaigns)]).toEqual([[], { installed: 1, rolledBack: 1 }]);
  expect(said).toEqual([]);
});

it("stops where one does not end as it should, and says what is missing", async () => {
  await lived(ending("rejected", "rolled-back"));
  expect(campaigns).toHaveLength(1);
  expect(missingOf(PLAN, campaigns)).toEqual([
    "release 1 (good) is rejected, expected: installed",
    "release 2 (broken) is not over, expected: rolled-back",
  ]);
  expect(missingOf(PLAN, [{ content: "good", counter: 1, outcome: outcome(1, "rolled-back", "hung") }])[0]).toMatch(
    /^release 1 \(good\) is rolled-back \(hung\)/,
  );
});

it("ends where a release does not, and where none can be published", async () => {
  await lived(ending(null));
  expect(clock.elapsed()).toBeLessThan(minutes(6));
  expect(missingOf(PLAN, campaigns)[0]).toMatch(/not over/);
  campaigns.length = 0;
  await lived(ending());
  expect(said).toEqual(["release publish: no mksquashfs"]);
});

it("ends with its signal, without a complaint", async () => {
  const stop = new AbortController();
  stop.abort();
  await lived(ending("installed"), stop.signal);
  expect([campaigns, said]).toEqual([[], []]);
});

it("expects nothing where a scenario has no releases, whatever a person published", () => {
  expect(missingOf(undefined, [{ content: "good", counter: 1, outcome: null }])).toEqual([]);
});
