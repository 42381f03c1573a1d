import { type Tally, tallyOf } from "./account.ts";
import { type CampaignRecord, STEPS, stopCampaign } from "./campaign.ts";

/** More hubs than this, of those whose trial is over, must not lose a trial: 1 %. */
export const MOST_FAILED_SHARE = 0.01;
/** One home may have its own reason; two of a step that was drawn by a hash have one in common. */
export const LEAST_FAILED = 2;
/** One-sided 95 %. */
const Z = 1.645;
/** Of the hubs that can take it, at a step, before the next step is thought of. */
export const ENOUGH_SHARE = 0.5;

/**
 * Lower end of Wilson's interval (1927) for a share: what it is at least, by 19 of 20 such counts. It stops at 2 of 66,
 * 3 of 120, 5 of 244 or 62 of 5000, and not at 2 of 67 or 50 of 5000.
 */
export const shareAtLeast = (failed: number, of: number): number => {
  if (of === 0) return 0;
  const share = failed / of;
  const z2 = Z * Z;
  const spread = Z * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  return (share + z2 / (2 * of) - spread) / (1 + z2 / of);
};

export type Decision =
  | { readonly tag: "widen" | "complete" | "hold" | "stop"; readonly sentence: string }
  /** It had ended before. */
  | { readonly tag: "ended"; readonly sentence: string };

const percentOf = (failed: number, of: number): string => `${((100 * failed) / Math.max(1, of)).toFixed(1)} %`;

interface Trials {
  readonly failed: number;
  readonly over: number;
}

const trialsOf = ({ installed, rolledBack }: Tally): Trials => ({ failed: rolledBack, over: installed + rolledBack });

const isTooMany = ({ failed, over }: Trials): boolean =>
  failed >= LEAST_FAILED && shareAtLeast(failed, over) > MOST_FAILED_SHARE;

const enoughOf = ({ asked, rejected }: Tally): number => Math.max(1, Math.ceil((asked - rejected) * ENOUGH_SHARE));

const widened = (record: CampaignRecord, step: number, now: number, sentence: string): Advanced => {
  if (step + 1 < STEPS.length) {
    const phase = { tag: "running", step: step + 1, enoughSince: null } as const;
    return { record: { ...record, phase }, decision: { tag: "widen", sentence } };
  }
  return { record: { ...record, phase: { tag: "complete", at: now } }, decision: { tag: "complete", sentence } };
};

export interface Advanced {
  readonly record: CampaignRecord;
  readonly decision: Decision;
}

/**
 * What comes next, by what is known now. Stopping comes first, and also when everybody may have the release already;
 * nothing leads back from it. `byHand`: a person widens one step where this would hold.
 */
export const advanceCampaign = (record: CampaignRecord, now: number, byHand = false): Advanced => {
  const { phase, campaign } = record;
  if (phase.tag === "stopped") {
    const sentence = `${campaign.name} was stopped (${phase.why}) and does not start again; start another campaign`;
    return { record, decision: { tag: "ended", sentence } };
  }
  const tally = tallyOf(record, now);
  const trials = trialsOf(tally);
  const lost = `${trials.failed} of ${trials.over} trials failed (${percentOf(trials.failed, trials.over)})`;
  if (isTooMany(trials)) {
    const why = `${lost}, and ${percentOf(MOST_FAILED_SHARE, 1)} are the most`;
    return { record: stopCampaign(record, why, now), decision: { tag: "stop", sentence: why } };
  }
  if (phase.tag === "complete") return { record, decision: { tag: "ended", sentence: `${campaign.name} is complete` } };

  const { step } = phase;
  if (byHand) return widened(record, step, now, "widened by hand");
  // The fleet is so small that a step has no hub: nothing can be learnt by waiting.
  if (tally.asked === 0 && record.hubs.size > 0) return widened(record, step, now, "no hub is in this step");

  const hold = (sentence: string, enoughSince: number | null): Advanced => ({
    record: { ...record, phase: { ...phase, enoughSince } },
    decision: { tag: "hold", sentence },
  });
  const enough = enoughOf(tally);
  if (tally.installed < enough) {
    return hold(`${tally.installed} of ${tally.asked} hubs of this step have it, and ${enough} are enough`, null);
  }
  const enoughSince = phase.enoughSince ?? now;
  if (trials.failed > trials.over * MOST_FAILED_SHARE) {
    return hold(`${lost}; look at why, then widen by hand or stop`, enoughSince);
  }
  // Worse than a rollback if it is the release, and as likely a home's own line: nobody else gets it until that is known.
  if (tally.missing > (trials.over + tally.missing) * MOST_FAILED_SHARE) {
    const found = `${tally.missing} hubs fell silent in their trial`;
    return hold(`${found}; wait until they speak, or look at why, then widen by hand or stop`, enoughSince);
  }
  const soaked = (now - enoughSince) / 3_600_000;
  if (soaked < campaign.soakHours) {
    return hold(`enough hubs have run it for ${soaked.toFixed(1)} of ${campaign.soakHours} hours`, enoughSince);
  }
  return widened(record, step, now, `${tally.installed} hubs run it, ${lost}`);
};
