import { bucketOf } from "../../protocol/cohort.ts";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { EpochMs } from "../../protocol/time.ts";
import type { ByteBudget } from "../download/byte-budget.ts";
import { downloadTarget } from "../download/downloader.ts";
import type { RepositorySource } from "../download/source.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { ReleaseCounter } from "../trust/release-counter.ts";
import { RELEASE_COUNTER } from "../trust/target-policy.ts";
import type { TrustedTarget } from "../trust/trusted-target.ts";
import type { TrustedUpdate } from "../trust/trusted-update.ts";
import type { UpdateEvent } from "./advance.ts";
import type { UpdateBackend } from "./backend.ts";
import { findOffer } from "./find-offer.ts";
import type { Offer, Reason, ReasonCode, WantedRelease } from "./update-state.ts";

/** A repository, region's or stick's, for one look and for downloads. */
export interface Repository {
  readonly source: RepositorySource;
  look(signal: AbortSignal): Promise<TrustedUpdate>;
}

/** What the steps of an update need of the hub that it runs in. */
export interface StepSurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly files: UpdateFiles;
  /** Null while the hub does not know the time. */
  readonly now: () => EpochMs | null;
  readonly hub: { readonly id: string; readonly hardware: string; readonly arch: string; readonly running: number };
  readonly backend: UpdateBackend;
  readonly counter: ReleaseCounter;
  readonly budget: ByteBudget;
  /** Of the region's server, or of a folder. Throws HubError where there is none. */
  readonly repository: (folder: string | null) => Repository;
  /** Why care comes first now, null where a restart harms nobody. Asked again right before each activation. */
  readonly careComesFirst: (wanted: WantedRelease, isByHand: boolean) => Reason | null;
  /** Note what this release can do, for the trial of the one after it. Durable when it resolves. */
  readonly beforeTrial: (image: ImageHash, signal: AbortSignal) => Promise<void>;
}

/** What each state stands for. Each may be done again after a cut of the power. Gives what happened; null: restart now. */
export interface UpdateSteps {
  check(wanted: WantedRelease, signal: AbortSignal): Promise<UpdateEvent>;
  mayBegin(offer: Offer, isByHand: boolean): Promise<UpdateEvent>;
  download(offer: Offer, signal: AbortSignal): Promise<UpdateEvent>;
  stage(offer: Offer, signal: AbortSignal): Promise<UpdateEvent>;
  activate(offer: Offer, isByHand: boolean, signal: AbortSignal): Promise<UpdateEvent | null>;
  commit(offer: Offer): Promise<UpdateEvent>;
}

const reasonOf = (thrown: unknown): Reason => {
  if (isHubError(thrown) && thrown.code.startsWith("update-")) {
    return { code: thrown.code as ReasonCode, sentence: thrown.message };
  }
  return { code: "unknown", sentence: `update: ${messageOf(thrown)}; it is tried again later` };
};

/** What was signed says no. All else may be somebody between here and the region, and passes. */
const isForGood = (thrown: unknown): boolean =>
  isHubError(thrown, "update-unfit") ||
  (isHubError(thrown, "update-rolled-back") && thrown.context.what === RELEASE_COUNTER);

/** Reasons of a download that pass by themselves. */
const PASSING: readonly ReasonCode[] = ["update-unreachable", "update-over-budget", "update-no-space"];

export const createUpdateSteps = ({
  clock,
  logger,
  files,
  now,
  hub,
  backend,
  counter,
  budget,
  repository,
  careComesFirst,
  beforeTrial,
}: StepSurroundings): UpdateSteps => {
  const check = async (wanted: WantedRelease, signal: AbortSignal): Promise<UpdateEvent> => {
    let update: TrustedUpdate;
    try {
      update = await repository(wanted.folder).look(signal);
    } catch (thrown) {
      return { tag: "failed", why: reasonOf(thrown) };
    }
    await using look = update;
    try {
      await look.refresh();
      const fit = { ...hub, counterFloor: await counter.floor() };
      return { tag: "trusted", offer: await findOffer(look, wanted, fit, backend) };
    } catch (thrown) {
      return { tag: isForGood(thrown) ? "refused" : "failed", why: reasonOf(thrown) };
    }
  };

  const mayBegin: UpdateSteps["mayBegin"] = async ({ wanted, image }, isByHand) => {
    const { running } = await backend.status();
    if (running.image === image && !running.isTrial) return { tag: "in-force" };
    if (isByHand) return { tag: "free" };
    const held = (code: ReasonCode, sentence: string): UpdateEvent => ({ tag: "held", why: { code, sentence } });
    const at = now();
    if (bucketOf(hub.id, wanted.campaign) >= wanted.bucketMax) {
      return held("not-in-cohort", "update: the region has not widened the campaign to this hub yet");
    }
    if (wanted.notBefore === null) return { tag: "free" };
    if (at === null) return held("time-unknown", "update: it has a date, and this hub does not know the time yet");
    return at < wanted.notBefore
      ? held("not-before", "update: the region has set a later date for it")
      : { tag: "free" };
  };

  const fileOf = (target: TrustedTarget): string => target.hashes[0]?.digest ?? "download";

  const download = async ({ wanted, parts }: Offer, signal: AbortSignal): Promise<UpdateEvent> => {
    const { source } = repository(wanted.folder);
    for (const part of parts) {
      if (await backend.has(part.image)) continue;
      const target = part.patch?.target ?? part.whole;
      const place = { directory: backend.downloads, name: fileOf(target), alsoNeededBytes: part.imageLength };
      await downloadTarget({ files, source, clock, budget, target, ...place }, signal);
    }
    return { tag: "downloaded" };
  };

  const stage = async ({ parts }: Offer, signal: AbortSignal): Promise<UpdateEvent> => {
    await backend.prune(parts.flatMap(({ image, patch }) => [image, ...(patch === null ? [] : [patch.from])]));
    for (const part of parts) {
      if (await backend.has(part.image)) continue;
      const file = `${backend.downloads}/${fileOf(part.patch?.target ?? part.whole)}`;
      try {
        await backend.stage(part, file, part.patch?.from ?? null, signal);
      } catch (thrown) {
        if (part.patch === null || !isHubError(thrown, "update-untrusted")) throw thrown;
        logger.warn("update patch does not fit, the whole image is taken", { reason: thrown.message });
        return { tag: "patch-unfit" };
      }
    }
    return { tag: "staged" };
  };

  const activate: UpdateSteps["activate"] = async ({ wanted, image, parts }, isByHand, signal) => {
    await beforeTrial(image, signal);
    const why = careComesFirst(wanted, isByHand);
    if (why !== null) return { tag: "held", why };
    await backend.activate(
      image,
      parts.slice(1).map((part): ImageHash => part.image),
    );
    return null;
  };

  const commit = async ({ wanted, image }: Offer): Promise<UpdateEvent> => {
    await backend.markGood(image);
    await counter.raise(wanted.counter);
    await backend.prune([]);
    await files.remove(backend.downloads);
    return { tag: "committed" };
  };

  return {
    check,
    mayBegin,
    download: (offer, signal) =>
      download(offer, signal).catch((thrown: unknown): UpdateEvent => {
        const why = reasonOf(thrown);
        return { tag: PASSING.includes(why.code) ? "held" : "failed", why };
      }),
    stage: (offer, signal) =>
      stage(offer, signal).catch(
        (thrown: unknown): UpdateEvent => ({ tag: isForGood(thrown) ? "refused" : "failed", why: reasonOf(thrown) }),
      ),
    activate,
    commit,
  };
};
