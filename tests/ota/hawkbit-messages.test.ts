import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Deployment, parseCancel, parseControllerBase, parseDeployment } from "../../ota/hawkbit/ddi-messages.ts";
import { feedbackOf, isFinal } from "../../ota/hawkbit/feedback.ts";
import { campaignOf, wishOf } from "../../ota/hawkbit/wanted-release.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import {
  NOTHING_UPDATED,
  type Offer,
  type Outcome,
  type Reason,
  type UpdateMemory,
  type UpdateState,
  type WantedRelease,
} from "../../ota/update/update-state.ts";
import { seconds } from "../../protocol/time.ts";

const base = (sleep: unknown, links: Record<string, string> = {}) => ({
  config: { polling: { sleep } },
  _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
});

const deployment = (over: Partial<Deployment> = {}, metadata: Record<string, string> = {}): Deployment => ({
  id: "7",
  download: "attempt",
  update: "attempt",
  chunks: [{ metadata: new Map() }, { metadata: new Map(Object.entries(metadata)) }],
  ...over,
});
const RELEASE = { "hemhub.target": "releases/7.sqfs.zst", "hemhub.counter": "7" };

describe("what a hawkBit says", () => {
  it("is read as its documentation has it", () => {
    const links = {
      deploymentBase: "https://inside/DEFAULT/controller/v1/hub/deploymentBase/7?c=-1234",
      configData: "https://inside/DEFAULT/controller/v1/hub/configData",
    };
    expect(parseControllerBase(base("00:05:30", links))).toEqual({
      sleep: seconds(330),
      deployment: { id: "7", state: "-1234" },
      cancel: null,
      confirmation: null,
      wantsConfig: true,
    });
    const chunks = [{ part: "os", metadata: [{ key: "hemhub.target", value: "releases/7" }] }, {}];
    const given = { id: "7", deployment: { download: "forced", update: "skip", chunks } };
    const read = parseDeployment(given, "deployment");
    expect(read).toMatchObject({ id: "7", download: "forced", update: "skip" });
    expect(read?.chunks.map(({ metadata }) => metadata.get("hemhub.target"))).toEqual(["releases/7", undefined]);
    expect(parseCancel({ id: "7", cancelAction: { stopId: "7" } })).toBe("7");
  });

  it("is nothing where it is anything else", () => {
    for (const strange of [null, 7, "text", [], {}, { config: [] }]) expect(parseControllerBase(strange)).toBeNull();
    for (const sleep of ["5 minutes", "99999:00:00", "00:60:00", 300, null]) {
      expect(parseControllerBase(base(sleep))?.sleep).toBeNull();
    }
    for (const href of ["", "https://x/deploymentBase/../../etc", "https://x/deploymentBase/seven", "ht tp://"]) {
      expect(parseControllerBase(base("00:05:00", { deploymentBase: href }))?.deployment).toBeNull();
    }
    expect(
      parseDeployment({ id: "7", deployment: { download: "now", update: "now", chunks: [] } }, "deployment"),
    ).toBeNull();
    expect(parseCancel({ cancelAction: { stopId: "../7" } })).toBeNull();
  });

  it("never makes the parsers throw, and never an id that is no number", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const read = parseControllerBase(json);
        for (const link of [read?.deployment, read?.cancel, read?.confirmation]) {
          if (link !== null && link !== undefined) expect(link.id).toMatch(/^\d+$/);
        }
        for (const part of ["deployment", "confirmation"] as const) {
          const found = parseDeployment(json, part);
          if (found !== null) wishOf(found);
        }
        parseCancel(json);
      }),
      { numRuns: 500 },
    );
  });
});

describe("what an action of a hawkBit wants", () => {
  it("is the release that its module's metadata names, when the server lets it", () => {
    const wish = wishOf(deployment({}, RELEASE));
    expect(wish).toMatchObject({
      tag: "release",
      mayActivate: true,
      wanted: {
        campaign: "hawkbit-7",
        target: "releases/7.sqfs.zst",
        counter: 7,
        bucketMax: 10_000,
        urgency: "routine",
      },
    });
    expect(wishOf(deployment({ download: "forced", update: "forced" }, RELEASE))).toMatchObject({
      wanted: { urgency: "soon" },
    });
    expect(wishOf(deployment({}, { ...RELEASE, "hemhub.urgency": "critical" }))).toMatchObject({
      wanted: { urgency: "critical" },
    });
    expect(wishOf(deployment({ update: "skip" }, RELEASE))).toMatchObject({ tag: "release", mayActivate: false });
    expect(wishOf(deployment({ download: "skip", update: "skip" }, RELEASE))).toEqual({ tag: "not-yet" });
  });

  it.each([
    ["no module", {}, "names no release"],
    ["no path", { ...RELEASE, "hemhub.target": "" }, "is no path"],
    ["no number", { ...RELEASE, "hemhub.counter": "seven" }, "whole number"],
    ["an urgency that is none", { ...RELEASE, "hemhub.urgency": "now" }, "hemhub.urgency"],
  ])("is refused with a sentence where it names %s", (_, metadata, sentence) => {
    const wish = wishOf(deployment({}, metadata));
    expect(wish).toMatchObject({ tag: "unfit", sentence: expect.stringContaining(sentence) });
    expect(wish).toMatchObject({ sentence: expect.stringContaining("action 7") });
  });

  it("is refused where two modules name one", () => {
    const module = { metadata: new Map(Object.entries(RELEASE)) };
    expect(wishOf(deployment({ chunks: [module, module] }))).toMatchObject({ tag: "unfit" });
  });
});

const WHY: Reason = { code: "measuring", sentence: "update: somebody is being measured" };
const IMAGE = "a".repeat(64) as ImageHash;
const wanted = (campaign: string): WantedRelease => ({
  campaign,
  target: "releases/7",
  counter: 7,
  notBefore: null,
  window: null,
  bucketMax: 10_000,
  urgency: "routine",
  folder: null,
});
const OURS = campaignOf("7");
const offer: Offer = { wanted: wanted(OURS), image: IMAGE, parts: [] };
const outcome = (result: Outcome["result"], campaign = OURS): Outcome => ({
  result,
  wanted: wanted(campaign),
  image: null,
  why: result === "installed" ? null : WHY,
  at: null,
});
const memory = (state: UpdateState, over: Partial<UpdateMemory> = {}): UpdateMemory => ({
  ...NOTHING_UPDATED,
  state,
  wanted: wanted(OURS),
  ...over,
});

/** Every state, with what the server is told of it: a state without a line does not compile. */
const STATES: Readonly<Record<UpdateState["tag"], readonly [UpdateState, string, readonly string[]]>> = {
  idle: [{ tag: "idle" }, "scheduled", ["waits for its turn"]],
  checking: [{ tag: "checking", wanted: wanted(OURS) }, "proceeding", ["looks for the signed release"]],
  offered: [{ tag: "offered", offer, why: WHY }, "scheduled", [WHY.code, WHY.sentence]],
  downloading: [{ tag: "downloading", offer }, "download", ["downloads"]],
  paused: [{ tag: "paused", offer, why: WHY }, "scheduled", [WHY.code, WHY.sentence]],
  verifying: [{ tag: "verifying", offer }, "proceeding", ["checks what was downloaded"]],
  staged: [{ tag: "staged", offer }, "downloaded", ["lies ready"]],
  "waiting-window": [{ tag: "waiting-window", offer, why: WHY }, "scheduled", [WHY.code, WHY.sentence]],
  activating: [{ tag: "activating", offer }, "proceeding", ["restarts into the release"]],
  trial: [{ tag: "trial", offer }, "resumed", ["is on trial"]],
  committing: [{ tag: "committing", offer }, "proceeding", ["has proved itself"]],
  "rolling-back": [{ tag: "rolling-back", offer, why: WHY }, "proceeding", [WHY.code, WHY.sentence]],
};

const RESULTS: Readonly<Record<Outcome["result"], readonly [string, string]>> = {
  installed: ["closed", "success"],
  rejected: ["closed", "failure"],
  "rolled-back": ["closed", "failure"],
  cancelled: ["closed", "failure"],
  "failed-retryable": ["rejected", "none"],
};

describe("what a hawkBit is told", () => {
  it.each(Object.values(STATES))(
    "of the state %o is not final, and says what is waited for",
    (state, execution, details) => {
      const said = feedbackOf(memory(state), OURS);
      expect(said).toEqual({ execution, finished: "none", details });
      expect(isFinal(said)).toBe(false);
    },
  );

  it.each(Object.entries(RESULTS))(
    "of the outcome %s closes the action where it is the end",
    (result, [execution, finished]) => {
      const outcomes = [outcome("installed", "another"), outcome(result as Outcome["result"])];
      const said = feedbackOf(memory({ tag: "idle" }, { wanted: null, outcomes }), OURS);
      expect(said).toEqual({
        execution,
        finished,
        details: result === "installed" ? ["is in force"] : [WHY.code, WHY.sentence],
      });
    },
  );

  it("is of its own action, whatever else is under way", () => {
    const other: UpdateState = { tag: "trial", offer: { ...offer, wanted: wanted("another") } };
    expect(feedbackOf(memory(other), OURS)).toMatchObject({ execution: "scheduled", details: ["waits for its turn"] });
    expect(feedbackOf(memory(other, { wanted: null }), OURS)).toMatchObject({
      execution: "scheduled",
      details: ["noticed"],
    });
    expect(feedbackOf(memory(other, { wanted: null, outcomes: [outcome("installed")] }), OURS)).toMatchObject({
      execution: "closed",
    });
  });

  it("is not how it ended before, where it is wanted once more", () => {
    const again = memory({ tag: "idle" }, { outcomes: [outcome("cancelled")] });
    expect(feedbackOf(again, OURS)).toMatchObject({ execution: "scheduled" });
  });

  it("is cut to what the server keeps", () => {
    const outcomes = [{ ...outcome("rejected"), why: { ...WHY, sentence: "x".repeat(2000) } }];
    const { details } = feedbackOf(memory({ tag: "idle" }, { wanted: null, outcomes }), OURS);
    expect(details.map(({ length }) => length)).toEqual([9, 500]);
  });
});
