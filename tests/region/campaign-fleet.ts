import { bucketOf } from "../../protocol/cohort.ts";
import { addFleet, takeReports } from "../../region/campaign/account.ts";
import { type CampaignRecord, startCampaign, wantedRelease } from "../../region/campaign/campaign.ts";
import { advanceCampaign, type Decision } from "../../region/campaign/decide.ts";
import { type HubReport, parseHubReport } from "../../region/campaign/hub-report.ts";

const HOUR = 3_600_000;
const BEGINNING = Date.UTC(2026, 10, 22);
/** A fleet whose campaign has not ended by then never ends it. */
const MOST_HOURS = 14 * 24;
/** How often the region counts. */
const TURN_HOURS = 4;
/** Decisions in a row, two days of them, after which it is clear that a person is waited for. */
const WAITING_TURNS = 12;

export interface Fleet {
  readonly hubs: number;
  readonly seed: number;
  /** Share of the hubs at which the release rolls back. */
  readonly badShare: number;
  /** Share of the messages that are lost, come twice, and come late, each. */
  readonly lossy: number;
  /** Share of the hubs that are away for the whole of it. */
  readonly away: number;
}

export interface CourseOfCampaign {
  readonly record: CampaignRecord;
  readonly decisions: readonly Decision[];
  /** Hubs that were switched to the release at all. */
  readonly got: number;
  readonly bucketMaxAtEnd: number;
  /** Hubs whose turn it was when it ended. */
  readonly asked: number;
  readonly hours: number;
}

/** Numbers from 0 to below 1 out of a seed (mulberry32). */
const numbersFrom = (seed: number): (() => number) => {
  let at = seed;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** What the retained message of a hub says. */
const messageOf = (hubId: string, at: number, has: Hub): HubReport =>
  parseHubReport(
    JSON.stringify({
      hubId,
      at: new Date(at).toISOString(),
      release: {
        state: has.tag === "trying" ? "trial" : "idle",
        campaign: has.tag === "old" ? null : "simulated",
        target: null,
        counter: null,
        reason: null,
        running: { image: null, counter: has.tag === "new" ? 7 : 6, slot: has.tag === "trying" ? "trial" : "current" },
        outcomes:
          has.tag === "new" || has.tag === "back"
            ? [
                {
                  result: has.tag === "new" ? "installed" : "rolled-back",
                  campaign: "simulated",
                  target: "releases/7",
                  counter: 7,
                  code: null,
                  at: null,
                },
              ]
            : [],
      },
    }),
  );

interface Hub {
  readonly tag: "old" | "trying" | "new" | "back";
}

/** Let a region bring a release to a fleet, four hours after four hours, over a link that loses, repeats and delays. */
export const runCampaign = ({ hubs: count, seed, badShare, lossy, away }: Fleet): CourseOfCampaign => {
  const random = numbersFrom(seed);
  const ids = Array.from({ length: count }, (_, n) => `hub-${seed}-${n}`);
  const fleet = new Map<string, Hub>(ids.map((id) => [id, { tag: "old" }]));
  const isBad = new Set(ids.filter(() => random() < badShare));
  const isAway = new Set(ids.filter(() => random() < away));
  const terms = { target: "releases/7", counter: 7, hardware: ["rpi4b"], notBefore: null, window: null } as const;
  const campaign = { name: "simulated", ...terms, urgency: "routine", soakHours: 24 } as const;
  const buckets = new Map(ids.map((id) => [id, bucketOf(id, campaign.name)]));
  let record = addFleet(startCampaign(campaign, []), ids);
  const decisions: Decision[] = [];
  const late: HubReport[] = [];
  const tried = new Set<string>();
  let bucketMax = 0;
  let hours = 0;
  for (; hours < MOST_HOURS && record.phase.tag === "running"; hours += TURN_HOURS) {
    const now = BEGINNING + hours * HOUR;
    bucketMax = wantedRelease(record)?.bucketMax ?? 0;
    const reports: HubReport[] = late.splice(0, Math.ceil(late.length / 2));
    for (const [id, hub] of fleet) {
      if (isAway.has(id)) continue;
      const next: Hub =
        hub.tag === "trying"
          ? { tag: isBad.has(id) ? "back" : "new" }
          : // Its window comes once in half a day.
            hub.tag === "old" && (buckets.get(id) ?? 0) < bucketMax && random() < TURN_HOURS / 12
            ? { tag: "trying" }
            : hub;
      if (next.tag === "trying") tried.add(id);
      fleet.set(id, next);
      // A retained message is published when something changes, and with every connection, about once a day.
      if (next.tag === hub.tag && random() > TURN_HOURS / 24) continue;
      const message = messageOf(id, now, next);
      const fate = random();
      if (fate < lossy) continue;
      if (fate < 2 * lossy) late.push(message);
      else reports.push(message);
      if (fate > 1 - lossy) reports.push(message);
    }
    const advanced = advanceCampaign(takeReports(record, reports, now), now);
    record = advanced.record;
    decisions.push(advanced.decision);
    const lately = new Set(decisions.slice(-WAITING_TURNS).map(({ sentence }) => sentence));
    if (decisions.length > WAITING_TURNS && lately.size === 1) break;
  }
  const asked = [...buckets.values()].filter((bucket) => bucket < bucketMax).length;
  return { record, decisions, got: tried.size, bucketMaxAtEnd: bucketMax, asked, hours };
};
