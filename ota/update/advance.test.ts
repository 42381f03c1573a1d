import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs } from "../../protocol/time.ts";
import type { ImageHash } from "../slots/slots.ts";
import { advance, type UpdateEvent } from "./advance.ts";
import type { BackendStatus } from "./backend.ts";
import {
  MOST_OUTCOMES,
  MOST_QUARANTINED,
  NOTHING_UPDATED,
  type Offer,
  type Outcome,
  type Reason,
  type UpdateMemory,
  type WantedRelease,
} from "./update-state.ts";

const AT = epochMs(Date.UTC(2026, 10, 22));
const IMAGE = "a".repeat(64) as ImageHash;
const OTHER = "b".repeat(64) as ImageHash;
const WHY: Reason = { code: "no-broker", sentence: "update: the broker was not reached" };

const wish = (counter: number): WantedRelease => ({
  campaign: `campaign-${counter}`,
  target: `releases/${counter}`,
  counter,
  notBefore: null,
  window: null,
  bucketMax: 10_000,
  urgency: "routine",
  folder: null,
});
const offer = (counter: number, image: ImageHash = IMAGE): Offer => {
  const whole = { path: `releases/${counter}`, length: 1, hashes: [], location: "", custom: null };
  const patch = { from: OTHER, target: { ...whole, path: "patch" } };
  return { wanted: wish(counter), image, parts: [{ image, imageLength: 1, whole, patch }] };
};

const runs = (
  image: ImageHash | null,
  isTrial = false,
  lastFailed: BackendStatus["lastFailed"] = null,
): UpdateEvent => ({
  tag: "started",
  backend: { running: { image, isTrial, tries: isTrial ? 1 : 0 }, lastFailed, trouble: null },
});

const reached = (...events: readonly UpdateEvent[]): UpdateMemory =>
  events.reduce((memory, event) => advance(memory, event, AT), NOTHING_UPDATED);

const TO_TRUST: readonly UpdateEvent[] = [
  { tag: "wanted", wanted: wish(1) },
  { tag: "look" },
  { tag: "trusted", offer: offer(1) },
];
const TO_STAGED: readonly UpdateEvent[] = [...TO_TRUST, { tag: "free" }, { tag: "downloaded" }, { tag: "staged" }];
const TO_ACTIVATING: readonly UpdateEvent[] = [...TO_STAGED, { tag: "free" }];
const TO_TRIAL: readonly UpdateEvent[] = [...TO_ACTIVATING, runs(IMAGE, true)];

describe("an update", () => {
  it("goes from the region's wish to a release in force", () => {
    const done = reached(...TO_TRIAL, { tag: "passed" }, { tag: "committed" });
    expect(done).toMatchObject({ state: { tag: "idle" }, wanted: null, quarantine: [] });
    expect(done.outcomes).toMatchObject([{ result: "installed", image: IMAGE, wanted: wish(1), at: AT }]);
  });

  it("is not begun again by the same wish once it is answered", () => {
    const done = reached(...TO_TRIAL, { tag: "passed" }, { tag: "committed" }, ...TO_TRUST);
    expect(done.state.tag).toBe("idle");
    expect(reached(...TO_TRUST.slice(0, 2), { tag: "refused", why: WHY }, ...TO_TRUST).state.tag).toBe("idle");
  });

  it("is tried again where what failed may pass, and counts the vain attempts", () => {
    const failed = reached(...TO_TRUST.slice(0, 2), { tag: "failed", why: WHY });
    expect(failed).toMatchObject({ state: { tag: "idle" }, wanted: wish(1), vain: 1 });
    expect(advance(failed, { tag: "look" }, AT).state.tag).toBe("checking");
  });

  it("waits where it is held, with the reason, and goes on where it is free", () => {
    const held: UpdateEvent = { tag: "held", why: WHY };
    expect(reached(...TO_TRUST, held).state).toMatchObject({ tag: "offered", why: WHY });
    expect(reached(...TO_TRUST, { tag: "free" }, held).state).toMatchObject({ tag: "paused", why: WHY });
    expect(reached(...TO_STAGED, held).state).toMatchObject({ tag: "waiting-window", why: WHY });
    expect(reached(...TO_STAGED, held, { tag: "free" }).state.tag).toBe("activating");
  });

  it("is not touched by the same wish, in any state", () => {
    for (const events of [TO_TRUST.slice(0, 1), TO_TRUST.slice(0, 2), TO_TRUST, TO_STAGED, TO_ACTIVATING, TO_TRIAL]) {
      const memory = reached(...events);
      expect(advance(memory, { tag: "wanted", wanted: wish(1) }, AT)).toBe(memory);
    }
    const done = reached(...TO_TRIAL, { tag: "passed" }, { tag: "committed" });
    expect(advance(done, { tag: "wanted", wanted: wish(1) }, AT)).toBe(done);
  });

  it("that fails for a month is one line in what is remembered", () => {
    const attempt: readonly UpdateEvent[] = [{ tag: "look" }, { tag: "failed", why: WHY }];
    const done = [...TO_TRIAL, { tag: "passed" }, { tag: "committed" }] as const;
    const month = Array.from({ length: 120 }, () => attempt).flat();
    const { outcomes, vain } = reached(...done, { tag: "wanted", wanted: wish(2) }, ...month);
    expect(outcomes.map(({ result }) => result)).toEqual(["failed-retryable", "installed"]);
    expect(vain).toBe(120);
  });

  it("takes the region's new terms for the same release", () => {
    const wider = { ...wish(1), bucketMax: 100 };
    const state = reached(...TO_STAGED, { tag: "wanted", wanted: wider }).state;
    expect(state).toMatchObject({ tag: "staged", offer: { wanted: wider } });
  });

  it("is given up for another release before it is activated, and seen through after", () => {
    const [other, none]: UpdateEvent[] = [
      { tag: "wanted", wanted: wish(2) },
      { tag: "wanted", wanted: null },
    ];
    expect(reached(...TO_STAGED, other as UpdateEvent)).toMatchObject({ state: { tag: "idle" }, wanted: wish(2) });
    expect(reached(...TO_STAGED, none as UpdateEvent)).toMatchObject({ state: { tag: "idle" }, wanted: null });
    expect(reached(...TO_TRIAL, other as UpdateEvent)).toMatchObject({ state: { tag: "trial" }, wanted: wish(2) });
    const done = reached(...TO_TRIAL, other as UpdateEvent, { tag: "passed" }, { tag: "committed" }, { tag: "look" });
    expect(done.state).toEqual({ tag: "checking", wanted: wish(2) });
  });

  it("that fails in its trial is taken back, and its image is not tried again under any name", () => {
    const back = reached(...TO_TRIAL, { tag: "failed", why: WHY });
    expect(back.state).toMatchObject({ tag: "rolling-back", why: WHY });
    const done = advance(back, runs(null), AT);
    expect(done.outcomes).toMatchObject([{ result: "rolled-back", why: WHY }]);
    const again: readonly UpdateEvent[] = [
      { tag: "wanted", wanted: wish(2) },
      { tag: "look" },
      { tag: "trusted", offer: offer(2) },
    ];
    const refused = again.reduce((memory, event) => advance(memory, event, AT), done);
    expect(refused).toMatchObject({ state: { tag: "idle" }, wanted: null });
    expect(refused.outcomes[0]).toMatchObject({ result: "rejected", why: { code: "quarantined" } });
  });

  it("that runs already is in force without a trial", () => {
    const done = reached(...TO_TRUST, { tag: "in-force" }, { tag: "committed" });
    expect(done).toMatchObject({ state: { tag: "idle" }, wanted: null, outcomes: [{ result: "installed" }] });
  });

  it("does not blame a release for a network that was gone: another campaign may try it again", () => {
    const away: Reason = { code: "out-of-time", sentence: "update: no network for a day" };
    const back = reached(...TO_TRIAL, { tag: "failed", why: away }, runs(null));
    expect(back).toMatchObject({ quarantine: [], outcomes: [{ result: "rolled-back", why: away }] });
  });

  it("that the launcher gave up is taken back for the launcher's reason", () => {
    const tries: Reason = { code: "tries", sentence: "update: it was started three times and never became ready" };
    for (const events of [TO_ACTIVATING, TO_TRIAL]) {
      const done = reached(...events, runs(OTHER, false, { image: IMAGE, why: tries }));
      expect(done).toMatchObject({ state: { tag: "idle" }, quarantine: [{ image: IMAGE, why: tries }] });
    }
  });

  it("finds its place again after a cut of the power", () => {
    // Before the slots were changed: activate again.
    expect(reached(...TO_ACTIVATING, runs(OTHER)).state.tag).toBe("activating");
    // The slots were changed, and this memory was not.
    expect(reached(...TO_TRIAL, runs(IMAGE, false)).state.tag).toBe("committing");
    expect(reached(...TO_TRIAL, { tag: "passed" }, runs(IMAGE, true)).state.tag).toBe("committing");
    expect(reached(...TO_TRIAL, { tag: "failed", why: WHY }, runs(IMAGE, true)).state.tag).toBe("rolling-back");
    // Neither says why: the trial is over all the same.
    expect(reached(...TO_TRIAL, runs(OTHER)).outcomes).toMatchObject([
      { result: "rolled-back", why: { code: "unknown" } },
    ]);
    for (const events of [TO_TRUST.slice(0, 2), TO_TRUST, TO_STAGED]) {
      expect(reached(...events, runs(OTHER))).toEqual(reached(...events));
    }
  });

  it("is taken whole where a difference does not make what was signed", () => {
    const state = reached(...TO_STAGED.slice(0, 5), { tag: "patch-unfit" }).state;
    expect(state).toMatchObject({ tag: "downloading", offer: { image: IMAGE, parts: [{ patch: null }] } });
  });

  it("is cancelled by a person at any time before the commit", () => {
    const cancel: UpdateEvent = {
      tag: "cancel",
      why: { code: "by-hand", sentence: "update: cancelled on the console" },
    };
    for (const events of [TO_TRUST.slice(0, 2), TO_TRUST, TO_STAGED]) {
      expect(reached(...events, cancel)).toMatchObject({ state: { tag: "idle" }, wanted: null });
    }
    expect(reached(...TO_TRIAL, cancel).state.tag).toBe("rolling-back");
    expect(reached(...TO_TRIAL, { tag: "passed" }, cancel).state.tag).toBe("committing");
  });
});

const anyImage = fc.constantFrom(IMAGE, OTHER);
const anyEvent: fc.Arbitrary<UpdateEvent> = fc.oneof(
  fc.constantFrom<UpdateEvent>(
    { tag: "look" },
    { tag: "free" },
    { tag: "in-force" },
    { tag: "downloaded" },
    { tag: "patch-unfit" },
    { tag: "staged" },
    { tag: "passed" },
    { tag: "committed" },
    { tag: "taken-back" },
    { tag: "failed", why: WHY },
    { tag: "refused", why: WHY },
    { tag: "held", why: WHY },
    { tag: "cancel", why: WHY },
    { tag: "wanted", wanted: null },
  ),
  fc.nat(4).map((counter): UpdateEvent => ({ tag: "wanted", wanted: wish(counter) })),
  fc.tuple(fc.nat(4), anyImage).map(([n, image]): UpdateEvent => ({ tag: "trusted", offer: offer(n, image) })),
  fc
    .tuple(fc.option(anyImage), fc.boolean(), fc.option(anyImage))
    .map(([image, isTrial, failed]) => runs(image, isTrial, failed === null ? null : { image: failed, why: WHY })),
);

describe("an update, whatever happens in whatever order", () => {
  it("never activates what is in quarantine, keeps its lists short, and is over after a commit only", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 120 }), (events) => {
        let memory = NOTHING_UPDATED;
        let last: Outcome | undefined;
        for (const event of events) {
          const before = memory.state;
          memory = advance(memory, event, AT);
          const { state, outcomes, quarantine } = memory;
          if (state.tag === "activating") expect(quarantine.map(({ image }) => image)).not.toContain(state.offer.image);
          if (before.tag === "trial" && state !== before) {
            expect(["trial", "committing", "rolling-back", "idle"]).toContain(state.tag);
          }
          const isNew = outcomes[0] !== last;
          if (isNew && outcomes[0]?.result === "installed") expect(before.tag).toBe("committing");
          last = outcomes[0];
          expect(outcomes.length).toBeLessThanOrEqual(MOST_OUTCOMES);
          expect(quarantine.length).toBeLessThanOrEqual(MOST_QUARANTINED);
        }
      }),
      { numRuns: 300 },
    );
  });
});
