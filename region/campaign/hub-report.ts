import { messageOf } from "../../protocol/errors.ts";

/** What a campaign reads of `ReportedRelease` (protocol/desired.ts). */
export interface ReleaseReport {
  readonly state: string;
  readonly campaign: string | null;
  readonly running: { readonly counter: number; readonly slot: string };
  readonly outcomes: readonly { readonly result: string; readonly campaign: string; readonly counter: number }[];
}

/** One `reported` message. */
export interface HubReport {
  readonly hubId: string;
  /** The hub's own time, ms since 1970; null where it did not know it. */
  readonly at: number | null;
  /** Null: this hub takes no updates. */
  readonly release: ReleaseReport | null;
}

/** Longest line that is read: `reported` with all its lists full is a tenth of it. In characters. */
export const LONGEST_LINE = 262_144;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isOutcome = (value: unknown): value is ReleaseReport["outcomes"][number] =>
  isRecord(value) &&
  typeof value.result === "string" &&
  typeof value.campaign === "string" &&
  Number.isSafeInteger(value.counter);

const releaseOf = (value: unknown): ReleaseReport => {
  if (!isRecord(value)) throw new Error("`release` is not an object");
  const { state, campaign, running, outcomes } = value;
  if (typeof state !== "string") throw new Error("`release.state` is not a text");
  if (campaign !== null && typeof campaign !== "string") throw new Error("`release.campaign` is no text, nor null");
  if (!isRecord(running) || !Number.isSafeInteger(running.counter) || typeof running.slot !== "string") {
    throw new Error("`release.running` does not say counter and slot");
  }
  if (!Array.isArray(outcomes) || !outcomes.every(isOutcome)) {
    throw new Error("`release.outcomes` is not a list of result, campaign and counter");
  }
  const { counter, slot } = running;
  return { state, campaign, running: { counter: Number(counter), slot }, outcomes };
};

const momentOf = (value: unknown): number | null => {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
};

/** A `reported` message on a line of its own. Throws an Error that says what is wrong with it. */
export const parseHubReport = (line: string): HubReport => {
  if (line.length > LONGEST_LINE) throw new Error(`longer than ${LONGEST_LINE} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (thrown) {
    throw new Error(`not JSON (${messageOf(thrown)})`);
  }
  if (!isRecord(parsed) || typeof parsed.hubId !== "string" || parsed.hubId === "") {
    throw new Error("no `reported` message: it has no `hubId`");
  }
  const { hubId, at, release = null } = parsed;
  return { hubId, at: momentOf(at), release: release === null ? null : releaseOf(release) };
};
