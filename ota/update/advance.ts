import { isDeepStrictEqual } from "node:util";
import type { EpochMs } from "../../protocol/time.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { BackendStatus } from "./backend.ts";
import {
  MOST_OUTCOMES,
  MOST_QUARANTINED,
  type Offer,
  type Outcome,
  type Reason,
  type ReasonCode,
  type UpdateMemory,
  type UpdateState,
  type WantedRelease,
} from "./update-state.ts";

/** What happened to an update. Those that do not belong to the state that it is in change nothing: they are late. */
export type UpdateEvent =
  /** The region's wish, as it is now; also after each start. */
  | { readonly tag: "wanted"; readonly wanted: WantedRelease | null }
  /** Time to look (again) at what is wanted. */
  | { readonly tag: "look" }
  | { readonly tag: "trusted"; readonly offer: Offer }
  /** For good: another look finds the same. */
  | { readonly tag: "refused"; readonly why: Reason }
  /** For now. */
  | { readonly tag: "failed"; readonly why: Reason }
  /** It may not begin, not go on, or not be activated yet. */
  | { readonly tag: "held"; readonly why: Reason }
  | { readonly tag: "free" }
  /** What is wanted runs already, as where the region signed it again with a higher counter. */
  | { readonly tag: "in-force" }
  | { readonly tag: "downloaded" }
  /** A difference did not make the image that was signed: it is taken whole. */
  | { readonly tag: "patch-unfit" }
  | { readonly tag: "staged" }
  | { readonly tag: "passed" }
  | { readonly tag: "committed" }
  | { readonly tag: "taken-back" }
  /** A person takes it back, in its trial or before. */
  | { readonly tag: "cancel"; readonly why: Reason }
  /** The process has started; the backend says what runs. */
  | { readonly tag: "started"; readonly backend: BackendStatus };

const isSame = (a: WantedRelease, b: WantedRelease | null): boolean =>
  b !== null && a.campaign === b.campaign && a.target === b.target && a.counter === b.counter;

const wantedOf = (state: UpdateState): WantedRelease | null => {
  if (state.tag === "idle") return null;
  return state.tag === "checking" ? state.wanted : state.offer.wanted;
};

const imageOf = (state: UpdateState): ImageHash | null => ("offer" in state ? state.offer.image : null);

/** Once it is being activated an update is seen through: half of one is what must never be. */
const isBeforeActivation = (state: UpdateState): boolean =>
  !["activating", "trial", "committing", "rolling-back"].includes(state.tag);

const within = (memory: UpdateMemory, state: UpdateState): UpdateMemory => ({ ...memory, state });

const ended = (
  memory: UpdateMemory,
  result: Outcome["result"],
  why: Reason | null,
  at: EpochMs | null,
): UpdateMemory => {
  const wanted = wantedOf(memory.state);
  if (wanted === null) return memory;
  const outcome: Outcome = { result, wanted, image: imageOf(memory.state), why, at };
  const isOver = result !== "failed-retryable" && isSame(wanted, memory.wanted);
  // One line for all vain attempts at a release: a month without Internet must not push everything else off the list.
  const isLikeIt = (one: Outcome): boolean => one.result === "failed-retryable" && isSame(one.wanted, wanted);
  const earlier = result === "failed-retryable" ? memory.outcomes.filter((one) => !isLikeIt(one)) : memory.outcomes;
  return {
    ...memory,
    state: { tag: "idle" },
    wanted: isOver ? null : memory.wanted,
    outcomes: [outcome, ...earlier].slice(0, MOST_OUTCOMES),
    vain: result === "failed-retryable" ? memory.vain + 1 : 0,
  };
};

const quarantined = (memory: UpdateMemory, image: ImageHash, why: Reason): UpdateMemory => ({
  ...memory,
  quarantine: [{ image, why }, ...memory.quarantine.filter((one) => one.image !== image)].slice(0, MOST_QUARANTINED),
});

/** Was this very wish answered for good? The same campaign is not begun again by a message that is sent again. */
const isAnswered = ({ outcomes }: UpdateMemory, wanted: WantedRelease): boolean => {
  const last = outcomes.find((outcome) => isSame(outcome.wanted, wanted));
  return last !== undefined && last.result !== "failed-retryable" && last.result !== "cancelled";
};

const wish = (memory: UpdateMemory, wanted: WantedRelease | null, at: EpochMs | null): UpdateMemory => {
  const { state } = memory;
  const begun = wantedOf(state);
  const kept = wanted === null || isAnswered(memory, wanted) ? null : wanted;
  // A retained message comes with every connection: it must not cost a write, nor disturb what is under way.
  if (isDeepStrictEqual(kept, memory.wanted)) return memory;
  if (begun === null || !isBeforeActivation(state)) return { ...memory, wanted: kept };
  if (kept === null || !isSame(begun, kept)) {
    const why: Reason = { code: "cancelled", sentence: "update: the region does not want this release here any more" };
    return { ...ended({ ...memory, wanted: kept }, "cancelled", why, at), wanted: kept };
  }
  // The same release on other terms: a wider cohort, another window.
  const renewed =
    state.tag === "checking" ? { ...state, wanted: kept } : { ...state, offer: { ...offerOf(state), wanted: kept } };
  return { ...memory, wanted: kept, state: renewed as UpdateState };
};

const offerOf = (state: UpdateState): Offer => {
  if (!("offer" in state)) throw new Error(`update: state ${state.tag} has no offer`);
  return state.offer;
};

/** What a start tells of an update that was under way when the process ended. */
const started = (memory: UpdateMemory, { running, lastFailed }: BackendStatus, at: EpochMs | null): UpdateMemory => {
  const { state } = memory;
  switch (state.tag) {
    case "activating":
    case "trial": {
      const isRunning = running.image === state.offer.image;
      if (isRunning && running.isTrial) return within(memory, { ...state, tag: "trial" });
      // In force already: the commit was made, and the power was cut before this file knew.
      if (isRunning) return within(memory, { ...state, tag: "committing" });
      const given = lastFailed?.image === state.offer.image ? lastFailed.why : null;
      // Nobody gave it up, and it was never tried: the slots were not changed yet.
      if (given === null && state.tag === "activating") return memory;
      return takenBack(within(memory, rollingBack(state, given ?? LOST_TRIAL)), at);
    }
    case "committing": {
      if (running.image === state.offer.image) return memory;
      const given = lastFailed?.image === state.offer.image ? lastFailed.why : LOST_TRIAL;
      return takenBack(within(memory, rollingBack(state, given)), at);
    }
    case "rolling-back":
      return running.image === state.offer.image ? memory : takenBack(memory, at);
    default:
      return memory;
  }
};

const LOST_TRIAL: Reason = {
  code: "unknown",
  sentence: "update: another release than the one on trial was started, and nothing says why; look at `update history`",
};

const rollingBack = ({ offer }: { readonly offer: Offer }, why: Reason): UpdateState => ({
  tag: "rolling-back",
  offer,
  why,
});

/**
 * A day without a network, or a trial that nobody could judge, as on a disk that was full, say nothing against a release:
 * the region may try it again in another campaign.
 */
const BLAMELESS: ReadonlySet<ReasonCode> = new Set(["out-of-time", "unknown"]);

const takenBack = (memory: UpdateMemory, at: EpochMs | null): UpdateMemory => {
  const { state } = memory;
  if (state.tag !== "rolling-back") return memory;
  const after = ended(memory, "rolled-back", state.why, at);
  return BLAMELESS.has(state.why.code) ? after : quarantined(after, state.offer.image, state.why);
};

const trusted = (memory: UpdateMemory, offer: Offer, at: EpochMs | null): UpdateMemory => {
  if (memory.state.tag !== "checking") return memory;
  const earlier = memory.quarantine.find((one) => one.image === offer.image);
  const after = within(memory, { tag: "offered", offer, why: null });
  if (earlier === undefined) return after;
  const sentence = `update: this very image was taken back here before (${earlier.why.code}), and is not tried again; the region publishes another one`;
  return ended(after, "rejected", { code: "quarantined", sentence }, at);
};

const held = (memory: UpdateMemory, why: Reason): UpdateMemory => {
  const { state } = memory;
  switch (state.tag) {
    case "offered":
      return within(memory, { ...state, why });
    case "downloading":
    case "paused":
      return within(memory, { tag: "paused", offer: state.offer, why });
    case "staged":
    case "waiting-window":
    // Somebody began to measure between the decision and the switch.
    case "activating":
      return within(memory, { tag: "waiting-window", offer: state.offer, why });
    default:
      return memory;
  }
};

const freed = (memory: UpdateMemory): UpdateMemory => {
  const { state } = memory;
  switch (state.tag) {
    case "offered":
    case "paused":
      return within(memory, { tag: "downloading", offer: state.offer });
    case "staged":
    case "waiting-window":
      return within(memory, { tag: "activating", offer: state.offer });
    default:
      return memory;
  }
};

/** `failed` in a trial, and `cancel` at any time before the commit. */
const undone = (
  memory: UpdateMemory,
  event: { readonly tag: "failed" | "cancel"; readonly why: Reason },
  at: EpochMs | null,
): UpdateMemory => {
  const { state } = memory;
  if (state.tag === "trial") return within(memory, rollingBack(state, event.why));
  if (state.tag === "idle" || !isBeforeActivation(state)) return memory;
  if (event.tag === "failed") return ended(memory, "failed-retryable", event.why, at);
  return { ...ended(memory, "cancelled", event.why, at), wanted: null };
};

/**
 * The next state of an update. Pure. `at` is the hub's time, null where it does not know it. The caller makes the result
 * durable before it begins what the new state stands for.
 */
export const advance = (memory: UpdateMemory, event: UpdateEvent, at: EpochMs | null): UpdateMemory => {
  const { state } = memory;
  switch (event.tag) {
    case "wanted":
      return wish(memory, event.wanted, at);
    case "look":
      if (state.tag !== "idle" || memory.wanted === null) return memory;
      return within(memory, { tag: "checking", wanted: memory.wanted });
    case "trusted":
      return trusted(memory, event.offer, at);
    case "refused":
      return state.tag !== "idle" && isBeforeActivation(state) ? ended(memory, "rejected", event.why, at) : memory;
    case "failed":
    case "cancel":
      return undone(memory, event, at);
    case "held":
      return held(memory, event.why);
    case "free":
      return freed(memory);
    case "in-force":
      return state.tag === "offered" ? within(memory, { tag: "committing", offer: state.offer }) : memory;
    case "downloaded":
      return state.tag === "downloading" ? within(memory, { tag: "verifying", offer: state.offer }) : memory;
    case "patch-unfit": {
      if (state.tag !== "verifying") return memory;
      const parts = state.offer.parts.map((part) => ({ ...part, patch: null }));
      return within(memory, { tag: "downloading", offer: { ...state.offer, parts } });
    }
    case "staged":
      return state.tag === "verifying" ? within(memory, { tag: "staged", offer: state.offer }) : memory;
    case "passed":
      return state.tag === "trial" ? within(memory, { ...state, tag: "committing" }) : memory;
    case "committed":
      return state.tag === "committing" ? ended(memory, "installed", null, at) : memory;
    case "taken-back":
      return takenBack(memory, at);
    case "started":
      return started(memory, event.backend, at);
  }
};
