import type { Urgency, WantedRelease } from "../update/update-state.ts";
import type { Deployment } from "./ddi-messages.ts";

/** Metadata keys of the one software module that stands for a release; see docs/updates.md. */
const TARGET = "hemhub.target";
const COUNTER = "hemhub.counter";
const URGENCY = "hemhub.urgency";

/** Below what a file system takes as a path. */
const LONGEST_TARGET = 500;

/** What a deployment asks of this hub. */
export type Wish =
  | { readonly tag: "release"; readonly wanted: WantedRelease; readonly mayActivate: boolean }
  /** It is announced only. */
  | { readonly tag: "not-yet" }
  | { readonly tag: "unfit"; readonly sentence: string };

/** The campaign of an action, for the update's memory and for people. */
export const campaignOf = (actionId: string): string => `hawkbit-${actionId}`;

const URGENCIES: readonly Urgency[] = ["routine", "soon", "critical"];

const urgencyOf = (named: string | undefined, isForced: boolean): Urgency | null => {
  if (named === undefined) return isForced ? "soon" : "routine";
  return URGENCIES.find((one) => one === named) ?? null;
};

/**
 * The release that a deployment names: a choice among what the region signed. Whom it reaches and when is hawkBit's
 * business (rollout groups, maintenance windows): the hub's own cohort and window stay out of it.
 */
export const wishOf = ({ id, download, update, chunks }: Deployment): Wish => {
  const unfit = (found: string): Wish => ({
    tag: "unfit",
    sentence: `update: action ${id} of hawkBit ${found}; correct the metadata of its software module and assign it again`,
  });
  const releases = chunks.filter(({ metadata }) => metadata.has(TARGET));
  const [release] = releases;
  if (release === undefined) return unfit(`names no release (${TARGET}, visible to targets)`);
  if (releases.length > 1) return unfit(`names ${releases.length} releases, and one is run`);
  const target = release.metadata.get(TARGET) ?? "";
  const counter = release.metadata.get(COUNTER) ?? "";
  if (target === "" || target.length > LONGEST_TARGET) return unfit(`has a ${TARGET} that is no path`);
  if (!/^\d{1,15}$/.test(counter)) return unfit(`has no ${COUNTER} that is a whole number`);
  const urgency = urgencyOf(release.metadata.get(URGENCY), update === "forced" || download === "forced");
  if (urgency === null) return unfit(`has a ${URGENCY} that is none of ${URGENCIES.join(", ")}`);
  if (download === "skip") return { tag: "not-yet" };
  return {
    tag: "release",
    mayActivate: update !== "skip",
    wanted: {
      campaign: campaignOf(id),
      target,
      counter: Number(counter),
      notBefore: null,
      window: null,
      bucketMax: 10_000,
      urgency,
      folder: null,
    },
  };
};
