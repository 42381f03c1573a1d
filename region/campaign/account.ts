import { bucketOf } from "../../protocol/cohort.ts";
import { bucketMaxOf, type CampaignRecord, type HubAccount, type Standing, UNHEARD } from "./campaign.ts";
import type { HubReport, ReleaseReport } from "./hub-report.ts";

/**
 * Which of two things known about a hub holds. Reports come twice, late and in another order; because the higher one
 * always wins, that makes no difference. A rollback outlasts everything: the hub is asked once, not until it says yes.
 */
const RANK: Readonly<Record<Standing, number>> = {
  silent: 0,
  waiting: 1,
  rejected: 2,
  installed: 3,
  "rolled-back": 4,
};

const HAS_BEGUN: ReadonlySet<Standing> = new Set(["installed", "rolled-back"]);

const higher = (a: Standing, b: Standing): Standing => (RANK[b] > RANK[a] ? b : a);

/** Between the old release and the new one: who falls silent here may be lost. */
const TRYING: ReadonlySet<string> = new Set(["activating", "trial", "committing", "rolling-back"]);

/** What becomes of a failure that may pass, or of a wish that was taken back, is still open: `waiting`. */
const STANDING: Readonly<Record<string, Standing>> = {
  installed: "installed",
  "rolled-back": "rolled-back",
  rejected: "rejected",
};

interface Sought {
  readonly name: string;
  readonly counter: number;
}

const standingIn = ({ name, counter }: Sought, release: ReleaseReport): Standing => {
  const outcomes = release.outcomes
    .filter((outcome) => outcome.campaign === name && outcome.counter === counter)
    .map(({ result }): Standing => STANDING[result] ?? "waiting");
  // Had it already, for example from a stick: nothing happens at the hub, and nothing is left to happen.
  const has = release.running.counter === counter && release.running.slot !== "trial";
  const now: Standing = has ? "installed" : release.campaign === name ? "waiting" : "silent";
  return outcomes.reduce(higher, now);
};

const isNewer = (report: HubReport, known: HubAccount): boolean =>
  report.at === null || known.at === null || report.at >= known.at;

/** What is known of a hub after one more report: the same, in whichever order and however often reports are taken. */
export const takeReport = (known: HubAccount, report: HubReport, sought: Sought, now: number): HubAccount => {
  const { release } = report;
  if (release === null) return known;
  const standing = higher(known.standing, standingIn(sought, release));
  if (!isNewer(report, known)) return { ...known, standing };
  const trying = release.campaign === sought.name && TRYING.has(release.state);
  // Only what was not heard before counts as heard: the same retained message is read again and again.
  const heard = report.at !== null && report.at === known.at ? known.heard : now;
  return { standing, at: report.at ?? known.at, heard, trying };
};

/** In one campaign: the account of each is some 100 bytes in the file, which is written as a whole. */
export const MOST_HUBS = 200_000;

const bounded = (record: CampaignRecord): CampaignRecord => {
  if (record.hubs.size <= MOST_HUBS) return record;
  throw new Error(`campaign: ${record.hubs.size} hubs, and ${MOST_HUBS} are the most; split the fleet by hardware`);
};

export const takeReports = (record: CampaignRecord, reports: Iterable<HubReport>, now: number): CampaignRecord => {
  const hubs = new Map(record.hubs);
  for (const report of reports) {
    hubs.set(report.hubId, takeReport(hubs.get(report.hubId) ?? UNHEARD, report, record.campaign, now));
  }
  return bounded({ ...record, hubs });
};

/** Hubs that were set up, whether or not they have ever said anything. */
export const addFleet = (record: CampaignRecord, hubIds: Iterable<string>): CampaignRecord => {
  const hubs = new Map(record.hubs);
  for (const id of hubIds) if (!hubs.has(id)) hubs.set(id, UNHEARD);
  return bounded({ ...record, hubs });
};

/** Each hub that the campaign has reached, once. */
export interface Tally {
  /** Hubs whose bucket is below the step, and those that have it or try it all the same. */
  readonly asked: number;
  readonly installed: number;
  readonly rolledBack: number;
  readonly rejected: number;
  readonly waiting: number;
  /** Have said nothing of this campaign yet. */
  readonly silent: number;
  /** Of those that wait: were last heard of in a trial, and longer ago than any trial lasts. */
  readonly missing: number;
}

/**
 * The longest trial is 24 hours, while a whole network is gone (docs/updates.md); two more for the restart, the way
 * back and the next report.
 */
export const MISSING_AFTER_MS = 26 * 3_600_000;

const isMissing = ({ standing, trying, heard }: HubAccount, now: number): boolean =>
  standing === "waiting" && trying && heard !== null && now - heard > MISSING_AFTER_MS;

export const tallyOf = (record: CampaignRecord, now: number): Tally => {
  const bucketMax = bucketMaxOf(record);
  // Every hub says that it knows of the campaign, also those whose turn is not yet; a stick may have brought it to some.
  const asked = [...record.hubs].flatMap(([id, hub]) =>
    HAS_BEGUN.has(hub.standing) || hub.trying || bucketOf(id, record.campaign.name) < bucketMax ? [hub] : [],
  );
  const count = (standing: Standing): number => asked.filter((hub) => hub.standing === standing).length;
  return {
    asked: asked.length,
    installed: count("installed"),
    rolledBack: count("rolled-back"),
    rejected: count("rejected"),
    waiting: count("waiting"),
    silent: count("silent"),
    missing: asked.filter((hub) => isMissing(hub, now)).length,
  };
};
