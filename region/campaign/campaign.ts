/** As ota/update/update-state.ts has it: how long care comes first at the hubs. */
export type Urgency = "routine" | "soon" | "critical";

export const URGENCIES: readonly string[] = ["routine", "soon", "critical"] satisfies readonly Urgency[];

/** The part `release` of `desired` (docs/updates.md): what the region wants, never a reason to trust it. */
export interface WantedRelease {
  readonly campaign: string;
  readonly target: string;
  readonly counter: number;
  /** ISO 8601 UTC. */
  readonly notBefore: string | null;
  /** `02:00-05:00`, in the time of the home's zone; may span midnight. */
  readonly window: string | null;
  /** Hubs whose bucket (protocol/cohort.ts) is below this take part. */
  readonly bucketMax: number;
  readonly urgency: Urgency;
}

/** A release on its way to hubs, a step after the other. */
export interface Campaign extends Omit<WantedRelease, "bucketMax" | "campaign"> {
  readonly name: string;
  /** Models that the release is signed for: one campaign at a time for each. */
  readonly hardware: readonly string[];
  /** How long enough hubs must have run it before a step is widened, in hours. */
  readonly soakHours: number;
}

/** Of 10 000 buckets: 0.1, 1, 10, 50 and 100 % of all hubs. */
export const STEPS: readonly number[] = [10, 100, 1000, 5000, 10_000];

/** A day: every home measures once in it, and the hubs have been through their window. */
export const SOAK_HOURS = 24;

/** How far a campaign came. Nothing leads out of `stopped`, nor from `complete` to `running`. Times in ms since 1970. */
export type Phase =
  | {
      readonly tag: "running";
      readonly step: number;
      /** Since when enough hubs have it; null: not yet. */
      readonly enoughSince: number | null;
    }
  /** Everybody may have it, and enough do. Late hubs still take it. */
  | { readonly tag: "complete"; readonly at: number }
  | { readonly tag: "stopped"; readonly at: number; readonly step: number; readonly why: string };

/** What became of a campaign at one hub, the later ones winning over the earlier: see `takeReport`. */
export type Standing = "silent" | "waiting" | "rejected" | "installed" | "rolled-back";

/** All that is kept of one hub in a campaign. */
export interface HubAccount {
  readonly standing: Standing;
  /** The hub's own time of its newest report, ms since 1970; null: none, or it did not know the time. */
  readonly at: number | null;
  /** When that report was taken here; null: none. */
  readonly heard: number | null;
  /** Its newest report was from between the old release and the new. */
  readonly trying: boolean;
}

export const UNHEARD: HubAccount = { standing: "silent", at: null, heard: null, trying: false };

/** A campaign with its account of hubs, by hub id. */
export interface CampaignRecord {
  readonly campaign: Campaign;
  readonly phase: Phase;
  readonly hubs: ReadonlyMap<string, HubAccount>;
}

export const bucketMaxOf = ({ phase }: CampaignRecord): number =>
  (phase.tag === "complete" ? STEPS.at(-1) : STEPS[phase.step]) ?? 0;

/** What to publish as `desired.release`; null: nobody begins any more, and who is in a trial ends it by himself. */
export const wantedRelease = (record: CampaignRecord): WantedRelease | null => {
  if (record.phase.tag === "stopped") return null;
  const { name, target, counter, notBefore, window, urgency } = record.campaign;
  return { campaign: name, target, counter, notBefore, window, bucketMax: bucketMaxOf(record), urgency };
};

const sharesHardware = (a: Campaign, b: Campaign): boolean => a.hardware.some((model) => b.hardware.includes(model));

/**
 * A new campaign beside those of before. Throws where its name was used, where one on the same hardware still runs (a
 * hub follows one wish), and where its counter is below that of an earlier one (hubs refuse it).
 */
export const startCampaign = (campaign: Campaign, earlier: readonly CampaignRecord[]): CampaignRecord => {
  const { name, counter } = campaign;
  const refuse = (found: string): Error => new Error(`campaign start: ${name}: ${found}`);
  for (const { campaign: other, phase } of earlier) {
    if (other.name === name) {
      throw refuse("a campaign of this name is in the file; choose another name, a campaign never starts again");
    }
    if (!sharesHardware(campaign, other)) continue;
    const models = other.hardware.join(", ");
    if (phase.tag === "running") {
      throw refuse(`${other.name} still runs on the same hardware (${models}); stop it first, or let it complete`);
    }
    if (counter < other.counter) {
      throw refuse(
        `counter ${counter} is below ${other.counter} of ${other.name}, and hubs refuse what is older; give it a higher one (release recount)`,
      );
    }
  }
  return { campaign, phase: { tag: "running", step: 0, enoughSince: null }, hubs: new Map() };
};

/** Nobody else begins. A campaign that has ended stays as it is. */
export const stopCampaign = (record: CampaignRecord, why: string, now: number): CampaignRecord => {
  const { phase } = record;
  if (phase.tag === "stopped") return record;
  const step = phase.tag === "running" ? phase.step : STEPS.length - 1;
  return { ...record, phase: { tag: "stopped", at: now, step, why } };
};
