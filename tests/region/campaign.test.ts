import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWantedRelease } from "../../gateway/updates/wanted-release.ts";
import { bucketOf } from "../../protocol/cohort.ts";
import { addFleet, MISSING_AFTER_MS, MOST_HUBS, takeReports, tallyOf } from "../../region/campaign/account.ts";
import {
  type Campaign,
  type CampaignRecord,
  STEPS,
  startCampaign,
  stopCampaign,
  wantedRelease,
} from "../../region/campaign/campaign.ts";
import { advanceCampaign, shareAtLeast } from "../../region/campaign/decide.ts";
import { type HubReport, parseHubReport } from "../../region/campaign/hub-report.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 22);

const campaign: Campaign = {
  name: "winter",
  target: "releases/7.sqfs.zst",
  counter: 7,
  hardware: ["rpi4b"],
  notBefore: "2026-12-01T02:00:00.000Z",
  window: "02:00-05:00",
  urgency: "routine",
  soakHours: 24,
};
const started = (changes: Partial<Campaign> = {}): CampaignRecord => startCampaign({ ...campaign, ...changes }, []);
const idsOf = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `hub-${n}`);

type Result = "installed" | "rejected" | "rolled-back" | "failed-retryable" | "cancelled";
interface Said {
  readonly hubId: string;
  readonly at: number | null;
  readonly state?: string;
  readonly results?: readonly Result[];
  /** Of the release that runs. */
  readonly counter?: number;
  readonly campaign?: string | null;
}

/** A `reported` message as a hub publishes it, read as the region reads it. */
const report = ({ hubId, at, state = "idle", results = [], counter = 6, campaign: of = "winter" }: Said): HubReport =>
  parseHubReport(
    JSON.stringify({
      schema: "reported/1",
      hubId,
      at: at === null ? null : new Date(at).toISOString(),
      release: {
        state,
        campaign: of,
        target: campaign.target,
        counter: 7,
        reason: null,
        running: { image: null, counter, slot: state === "trial" ? "trial" : "current" },
        outcomes: results.map((result) => ({ result, campaign: "winter", counter: 7, code: null, at: null })),
      },
    }),
  );

const ended = (hubId: string, result: Result, at = NOW): HubReport => report({ hubId, at, results: [result] });
const withResults = (record: CampaignRecord, counts: Partial<Record<Result, number>>): CampaignRecord => {
  const results = Object.entries(counts).flatMap(([result, count]) => Array<Result>(count).fill(result as Result));
  return takeReports(
    record,
    results.map((result, n) => ended(`hub-${n}`, result)),
    NOW,
  );
};
const atStep = (step: number): CampaignRecord => ({ ...started(), phase: { tag: "running", step, enoughSince: null } });

describe("what a campaign wants of hubs", () => {
  it("is read by a hub as it was meant", () => {
    const parsed = parseWantedRelease(JSON.parse(JSON.stringify(wantedRelease(started()))), null);
    expect(parsed).toMatchObject({
      tag: "wanted",
      wanted: { campaign: "winter", target: campaign.target, counter: 7, bucketMax: 10, urgency: "routine" },
    });
    expect(parsed).toMatchObject({ wanted: { notBefore: Date.UTC(2026, 11, 1, 2), window: { from: 120, to: 300 } } });
  });

  it("is nothing once it was stopped", () => {
    expect(wantedRelease(stopCampaign(started(), "a bad smell", NOW))).toBeNull();
  });
});

describe("the account of a campaign", () => {
  const saying = fc.record({
    hubId: fc.constantFrom(...idsOf(12)),
    // Each hub's messages have times of their own.
    at: fc.integer({ min: 0, max: 1_000_000 }).map((n) => NOW - n),
    state: fc.constantFrom("idle", "checking", "downloading", "trial", "waiting-window"),
    results: fc.array(
      fc.constantFrom<Result>("installed", "rejected", "rolled-back", "failed-retryable", "cancelled"),
      {
        maxLength: 3,
      },
    ),
    campaign: fc.constantFrom("winter", "autumn", null),
  });
  const sayings = fc.uniqueArray(saying, { maxLength: 40, selector: ({ hubId, at }) => `${hubId} ${at}` });

  it("is the same in whichever order and however often reports come", () => {
    fc.assert(
      fc.property(sayings, fc.array(fc.nat({ max: 39 }), { maxLength: 20 }), fc.nat(), (said, again, turn) => {
        const reports = said.map(report);
        const repeated = [...reports, ...again.flatMap((n) => reports[n] ?? [])];
        const at = turn % Math.max(1, repeated.length);
        const shuffled = [...repeated.slice(at), ...repeated.slice(0, at)].toReversed();
        const record = atStep(STEPS.length - 1);
        expect(tallyOf(takeReports(record, shuffled, NOW), NOW)).toEqual(
          tallyOf(takeReports(record, reports, NOW), NOW),
        );
      }),
    );
  });

  it("has each hub once, and nothing but what adds up", () => {
    fc.assert(
      fc.property(sayings, (said) => {
        const record = takeReports(addFleet(atStep(STEPS.length - 1), idsOf(12)), said.map(report), NOW);
        const { asked, installed, rolledBack, rejected, waiting, silent } = tallyOf(record, NOW);
        expect(asked).toBe(12);
        expect(installed + rolledBack + rejected + waiting + silent).toBe(12);
      }),
    );
  });

  it("needs no message but the last one of a hub, for it tells what was lost", () => {
    const first = report({ hubId: "hub-1", at: NOW, state: "trial" });
    const last = report({ hubId: "hub-1", at: NOW + HOUR, results: ["rolled-back", "failed-retryable"] });
    const record = atStep(STEPS.length - 1);
    expect(tallyOf(takeReports(record, [last], NOW), NOW)).toEqual(
      tallyOf(takeReports(record, [first, last], NOW), NOW),
    );
    expect(tallyOf(takeReports(record, [last], NOW), NOW)).toMatchObject({ asked: 1, rolledBack: 1 });
  });

  it("counts as installed what a hub had already, and not while it is on trial", () => {
    const has = report({ hubId: "hub-1", at: NOW, counter: 7, campaign: null });
    const tries = report({ hubId: "hub-2", at: NOW, counter: 7, state: "trial" });
    expect(tallyOf(takeReports(atStep(4), [has, tries], NOW), NOW)).toMatchObject({ installed: 1, waiting: 1 });
  });

  it("asks nobody whose turn is not yet, though every hub says that it knows of the campaign", () => {
    const ids = idsOf(5000);
    const record = takeReports(
      started(),
      ids.map((hubId) => report({ hubId, at: NOW, state: "offered" })),
      NOW,
    );
    const turn = ids.filter((id) => bucketOf(id, "winter") < 10).length;
    expect(turn).toBeGreaterThan(0);
    expect(tallyOf(record, NOW)).toMatchObject({ asked: turn, waiting: turn });
  });

  it("misses a hub that fell silent in its trial, until it speaks again", () => {
    const tries = takeReports(atStep(4), [report({ hubId: "hub-1", at: NOW, state: "trial" })], NOW);
    expect(tallyOf(tries, NOW + MISSING_AFTER_MS).missing).toBe(0);
    // The retained message is read again each time: that is no sign of life.
    const read = takeReports(tries, [report({ hubId: "hub-1", at: NOW, state: "trial" })], NOW + MISSING_AFTER_MS);
    expect(tallyOf(read, NOW + MISSING_AFTER_MS + 1).missing).toBe(1);
    const spoke = takeReports(read, [ended("hub-1", "installed", NOW + MISSING_AFTER_MS)], NOW + MISSING_AFTER_MS);
    expect(tallyOf(spoke, NOW + 2 * MISSING_AFTER_MS)).toMatchObject({ missing: 0, installed: 1 });
  });

  it("has an end", () => {
    expect(() => addFleet(started(), idsOf(MOST_HUBS + 1))).toThrow(/200001 hubs, and 200000 are the most; split/);
  });

  it("takes no line that is no report, and says why", () => {
    expect(() => parseHubReport("{")).toThrow(/not JSON/);
    expect(() => parseHubReport("[]")).toThrow(/it has no `hubId`/);
    expect(() => parseHubReport('{"hubId":"a","release":{}}')).toThrow(/`release.state` is not a text/);
    expect(parseHubReport('{"hubId":"a","at":null,"release":null}')).toEqual({ hubId: "a", at: null, release: null });
  });
});

describe("a step of a campaign", () => {
  it("is widened when half of its hubs have had the release for a day", () => {
    const half = withResults(addFleet(atStep(4), idsOf(10)), { installed: 5 });
    const first = advanceCampaign(withResults(addFleet(atStep(1), []), { installed: 5 }), NOW);
    expect(first.decision).toMatchObject({ tag: "hold", sentence: expect.stringMatching(/0\.0 of 24 hours/) });
    const later = advanceCampaign(first.record, NOW + 24 * HOUR);
    expect(later.decision.tag).toBe("widen");
    expect(wantedRelease(later.record)).toMatchObject({ bucketMax: 1000 });
    expect(advanceCampaign(advanceCampaign(half, NOW).record, NOW + 24 * HOUR).decision.tag).toBe("complete");
    const fewer = withResults(addFleet(atStep(4), idsOf(10)), { installed: 4 });
    expect(advanceCampaign(fewer, NOW).decision.sentence).toBe("4 of 10 hubs of this step have it, and 5 are enough");
  });

  it("waits for a person where one of few was rolled back, and goes on when told", () => {
    const one = withResults(atStep(0), { installed: 4, "rolled-back": 1 });
    const held = advanceCampaign(one, NOW);
    expect(advanceCampaign(held.record, NOW + 48 * HOUR).decision).toMatchObject({
      tag: "hold",
      sentence: "1 of 5 trials failed (20.0 %); look at why, then widen by hand or stop",
    });
    expect(advanceCampaign(held.record, NOW, true).decision.tag).toBe("widen");
  });

  it.each([
    [2, 66, "stop"],
    [2, 67, "hold"],
    [62, 5000, "stop"],
    [50, 5000, "hold"],
  ])("with %i of %i trials failed leads to: %s", (failed, of, tag) => {
    const record = withResults(atStep(4), { installed: of - failed, "rolled-back": failed });
    expect(advanceCampaign(record, NOW).decision.tag).toBe(tag);
  });

  it("waits where hubs fell silent in their trial, until they speak", () => {
    const trying = ["lost-1", "lost-2"].map((hubId) => report({ hubId, at: NOW, state: "trial" }));
    const record = takeReports(withResults(atStep(1), { installed: 9 }), trying, NOW);
    const soaked = advanceCampaign(record, NOW).record;
    const later = NOW + MISSING_AFTER_MS + 1;
    const held = advanceCampaign(soaked, later);
    expect(held.decision).toMatchObject({
      tag: "hold",
      sentence: expect.stringMatching(/^2 hubs fell silent in their trial; wait until/),
    });
    const back = takeReports(
      held.record,
      ["lost-1", "lost-2"].map((id) => ended(id, "installed", later)),
      later,
    );
    expect(advanceCampaign(back, later).decision.tag).toBe("widen");
  });

  it("that has no hub in a small fleet is passed over", () => {
    const few = addFleet(started({ name: "to few" }), ["hub-1"]);
    expect(bucketOf("hub-1", "to few")).toBeGreaterThanOrEqual(10);
    expect(advanceCampaign(few, NOW).decision).toEqual({ tag: "widen", sentence: "no hub is in this step" });
  });

  it("is never widened again after a stop, whatever is reported", () => {
    const stopped = advanceCampaign(withResults(atStep(1), { "rolled-back": 2 }), NOW);
    expect(stopped.decision.tag).toBe("stop");
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...idsOf(500))), fc.boolean(), fc.nat(), (ids, byHand, later) => {
        const better = takeReports(
          stopped.record,
          ids.map((id) => ended(id, "installed", NOW + 1)),
          NOW + later,
        );
        const { record, decision } = advanceCampaign(better, NOW + later, byHand);
        expect(decision.tag).toBe("ended");
        expect(wantedRelease(record)).toBeNull();
      }),
    );
  });

  it("stops a campaign also after everybody may have the release", () => {
    const complete: CampaignRecord = { ...started(), phase: { tag: "complete", at: NOW } };
    expect(advanceCampaign(withResults(complete, { "rolled-back": 2 }), NOW).decision.tag).toBe("stop");
  });

  it("is judged by an interval that holds the share, and narrows", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat({ max: 5000 }), (of, some) => {
        const failed = Math.min(some, of);
        const least = shareAtLeast(failed, of);
        expect(least).toBeGreaterThanOrEqual(-1e-12);
        expect(least).toBeLessThanOrEqual(failed / of + 1e-12);
        expect(shareAtLeast(failed * 10, of * 10)).toBeGreaterThanOrEqual(least - 1e-12);
      }),
    );
  });
});

describe("two campaigns", () => {
  it("do not run at once on the same hardware", () => {
    const first = started();
    const second: Campaign = { ...campaign, name: "spring", counter: 8, hardware: ["rpi5", "rpi4b"] };
    expect(() => startCampaign(second, [first])).toThrow(/winter still runs on the same hardware \(rpi4b\); stop it/);
    expect(startCampaign({ ...second, hardware: ["rpi5"] }, [first]).phase.tag).toBe("running");
    expect(startCampaign(second, [stopCampaign(first, "enough", NOW)]).phase.tag).toBe("running");
    const complete: CampaignRecord = { ...first, phase: { tag: "complete", at: NOW } };
    expect(startCampaign(second, [complete]).phase.tag).toBe("running");
  });

  it("have two names, and counters that hubs take", () => {
    const first = stopCampaign(started(), "enough", NOW);
    expect(() => startCampaign(campaign, [first])).toThrow(/a campaign never starts again/);
    expect(() => startCampaign({ ...campaign, name: "old", counter: 6 }, [first])).toThrow(/counter 6 is below 7/);
  });
});
