import type { Outcome, Reason, UpdateMemory, UpdateState } from "../update/update-state.ts";

/** `status.execution` and `status.result.finished` of the API's feedback. */
export interface Feedback {
  readonly execution:
    | "scheduled"
    | "proceeding"
    | "download"
    | "downloaded"
    | "resumed"
    | "rejected"
    | "canceled"
    | "closed";
  readonly finished: "none" | "success" | "failure";
  /** For the operator: a code where there is one, and a sentence. Never an identity, never a reading's value. */
  readonly details: readonly string[];
}

/** hawkBit stores 512 characters of each line. */
const LONGEST_LINE = 500;

export const feedback = (
  execution: Feedback["execution"],
  finished: Feedback["finished"],
  ...details: readonly string[]
): Feedback => ({ execution, finished, details: details.map((line) => line.slice(0, LONGEST_LINE)) });

const withReason = (execution: Feedback["execution"], finished: Feedback["finished"], why: Reason | null): Feedback =>
  feedback(execution, finished, ...(why === null ? [] : [why.code, why.sentence]));

/** Only this ends an action at the server (API, "State Machine Mapping"). */
export const isFinal = ({ execution }: Feedback): boolean => execution === "closed";

const campaignUnderWay = (state: UpdateState): string | null => {
  if (state.tag === "idle") return null;
  return (state.tag === "checking" ? state.wanted : state.offer.wanted).campaign;
};

/** From here on it is seen through, whatever is wished: half of a switch is what must never be. */
export const isSeenThrough = ({ tag }: UpdateState): boolean =>
  tag === "activating" || tag === "trial" || tag === "committing" || tag === "rolling-back";

export const isUnderWay = (memory: UpdateMemory, campaign: string): boolean =>
  campaignUnderWay(memory.state) === campaign;

export const outcomeOf = ({ outcomes }: UpdateMemory, campaign: string): Outcome | null =>
  outcomes.find(({ wanted }) => wanted.campaign === campaign) ?? null;

const ofState = (state: Exclude<UpdateState, { tag: "idle" }>): Feedback => {
  switch (state.tag) {
    case "checking":
      return feedback("proceeding", "none", "looks for the signed release");
    case "offered":
      return state.why === null
        ? feedback("proceeding", "none", "the release is signed and fits")
        : withReason("scheduled", "none", state.why);
    case "downloading":
      return feedback("download", "none", "downloads");
    case "paused":
    case "waiting-window":
      return withReason("scheduled", "none", state.why);
    case "verifying":
      return feedback("proceeding", "none", "checks what was downloaded");
    case "staged":
      return feedback("downloaded", "none", "lies ready");
    case "activating":
      return feedback("proceeding", "none", "restarts into the release");
    case "trial":
      return feedback("resumed", "none", "is on trial");
    case "committing":
      return feedback("proceeding", "none", "has proved itself");
    case "rolling-back":
      return withReason("proceeding", "none", state.why);
  }
};

const ofOutcome = ({ result, why }: Outcome): Feedback => {
  switch (result) {
    case "installed":
      return feedback("closed", "success", "is in force");
    case "failed-retryable":
      // "Cannot be fulfilled at this point in time": the server notes a warning and keeps the action open.
      return withReason("rejected", "none", why);
    case "rejected":
    case "rolled-back":
    case "cancelled":
      return withReason("closed", "failure", why);
  }
};

/** What the server should know of the campaign's action. Pure; equal as long as nothing has changed that it should know. */
export const feedbackOf = (memory: UpdateMemory, campaign: string): Feedback => {
  const { state, wanted } = memory;
  if (state.tag !== "idle" && isUnderWay(memory, campaign)) return ofState(state);
  const outcome = outcomeOf(memory, campaign);
  const isWanted = wanted?.campaign === campaign;
  // Wanted once more after it was cancelled: what it came to earlier is not its end.
  if (outcome !== null && !(isWanted && outcome.result === "cancelled")) return ofOutcome(outcome);
  return feedback("scheduled", "none", isWanted ? "waits for its turn" : "noticed");
};
