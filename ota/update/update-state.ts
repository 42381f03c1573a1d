import type { HubErrorCode } from "../../protocol/errors.ts";
import type { EpochMs } from "../../protocol/time.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";

/** When on its own day a hub may start a new release, in minutes after its midnight; `from` above `to` spans midnight. */
export interface DayWindow {
  readonly from: number;
  readonly to: number;
}

/**
 * How long the region lets care come first. `routine` waits for the window; `soon` does not; `critical` besides overrides
 * quiet hours and a backlog that does not drain. None of them interrupts a measurement.
 */
export type Urgency = "routine" | "soon" | "critical";

/** What the region wants to run here: a choice among what is signed, never a reason to trust it. */
export interface WantedRelease {
  /** Name of the campaign, for cohorts and for the region's account. */
  readonly campaign: string;
  /** Path of the release's target in the signed repository. */
  readonly target: string;
  readonly counter: number;
  /** Not before this moment, where the hub knows the time. */
  readonly notBefore: EpochMs | null;
  readonly window: DayWindow | null;
  /** Hubs whose bucket is below this take part: 0 none, 10 000 all. */
  readonly bucketMax: number;
  readonly urgency: Urgency;
  /** Folder of an offline repository, such as a stick; null: the region's server. */
  readonly folder: string | null;
}

/** One image that a release takes: its own, or that of the runtime which it names. */
export interface ReleasePart {
  readonly image: ImageHash;
  /** Of the image, in bytes; exact. */
  readonly imageLength: number;
  /** The image as the region publishes it: compressed. */
  readonly whole: TrustedTarget;
  /** The difference to an image that lies here, where the region publishes one; null: take it whole. */
  readonly patch: { readonly from: ImageHash; readonly target: TrustedTarget } | null;
}

/** A wanted release that is signed, and that fits this hub. */
export interface Offer {
  readonly wanted: WantedRelease;
  /** The image that is to be started. */
  readonly image: ImageHash;
  /** All that it takes, itself first. */
  readonly parts: readonly ReleasePart[];
}

/** Why an update waits, was refused or was taken back: the code for programs, the sentence for people. */
export interface Reason {
  readonly code: ReasonCode;
  readonly sentence: string;
}

export type ReasonCode =
  | Extract<HubErrorCode, `update-${string}`>
  /** Before it may begin. */
  | "not-before"
  | "not-in-cohort"
  | "quarantined"
  | "cancelled"
  /** Before it may be activated. */
  | "measuring"
  | "outside-window"
  | "quiet-hours"
  | "backlog"
  | "offline"
  | "time-unknown"
  /** In its trial. */
  | "crashed"
  | "tries"
  | "rot"
  | "missing"
  | "mount"
  | "incomplete"
  | "runtime"
  | "garbage"
  | "no-ready"
  | "hung"
  | "killed"
  | "no-broker"
  | "no-echo"
  | "outbox"
  | "transports"
  | "not-draining"
  | "self-test"
  | "out-of-time"
  | "by-hand"
  | "unknown";

/** What an update is about to do, or doing. Each is durable before its effect begins. */
export type UpdateState =
  | { readonly tag: "idle" }
  | { readonly tag: "checking"; readonly wanted: WantedRelease }
  | { readonly tag: "offered"; readonly offer: Offer; readonly why: Reason | null }
  | { readonly tag: "downloading"; readonly offer: Offer }
  | { readonly tag: "paused"; readonly offer: Offer; readonly why: Reason }
  /** What was downloaded is made an image that the backend can start, and its hash is checked. */
  | { readonly tag: "verifying"; readonly offer: Offer }
  | { readonly tag: "staged"; readonly offer: Offer }
  | { readonly tag: "waiting-window"; readonly offer: Offer; readonly why: Reason }
  /** The next start tries the image. */
  | { readonly tag: "activating"; readonly offer: Offer }
  | { readonly tag: "trial"; readonly offer: Offer }
  | { readonly tag: "committing"; readonly offer: Offer }
  | { readonly tag: "rolling-back"; readonly offer: Offer; readonly why: Reason };

/** How a campaign ended here. */
export interface Outcome {
  readonly result: "installed" | "rejected" | "rolled-back" | "failed-retryable" | "cancelled";
  readonly wanted: WantedRelease;
  readonly image: ImageHash | null;
  readonly why: Reason | null;
  /** Null where the hub did not know the time. */
  readonly at: EpochMs | null;
}

/** An image that was taken back is not tried again, whoever asks. */
export interface Quarantined {
  readonly image: ImageHash;
  readonly why: Reason;
}

/** All that an update has to remember across a cut of the power. */
export interface UpdateMemory {
  readonly state: UpdateState;
  /** What the region wants now; null where it wants nothing, or nothing other than what runs. */
  readonly wanted: WantedRelease | null;
  /** Newest first, at most MOST_OUTCOMES. */
  readonly outcomes: readonly Outcome[];
  /** Newest first, at most MOST_QUARANTINED. */
  readonly quarantine: readonly Quarantined[];
  /** Attempts in a row that failed for a reason that may pass. */
  readonly vain: number;
}

/** Two years of a release every two weeks. */
export const MOST_OUTCOMES = 52;
/** More than a region can withdraw before somebody looks. */
export const MOST_QUARANTINED = 32;

export const NOTHING_UPDATED: UpdateMemory = {
  state: { tag: "idle" },
  wanted: null,
  outcomes: [],
  quarantine: [],
  vain: 0,
};
