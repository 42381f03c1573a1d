import path from "node:path";
import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import type { ByteBudget } from "../../ota/download/byte-budget.ts";
import { downloadTarget } from "../../ota/download/downloader.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import type { ReleaseCounter } from "../../ota/trust/release-counter.ts";
import type { TrustedTarget } from "../../ota/trust/trusted-target.ts";
import type { Repository } from "../../ota/update/update-steps.ts";
import { MOST_BUNDLE_BYTES, parseCatalogueBundle } from "../../protocol/catalogue-bundle.ts";
import type { CatalogueReport } from "../../protocol/desired.ts";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes } from "../../protocol/time.ts";
import { untilAborted } from "../../protocol/until-aborted.ts";
import type { DesiredPart } from "../commands/desk.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { CataloguePlace, InstalledCatalogue } from "./catalogue-place.ts";

/** After an attempt that failed: a minute, doubled with each further one, six hours at most, less up to half at random. */
const FIRST_PAUSE = minutes(1);
const LONGEST_PAUSE = minutes(360);
const LONGEST_TARGET = 500;

/** `desired.catalogue`: a choice among what is signed. */
export interface WantedCatalogue {
  /** Path of the target in the signed repository, such as `catalogue/2026-11.json`. */
  readonly target: string;
  readonly counter: number;
}

export interface CatalogueUpdateOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly report: ReportEvent;
  readonly files: UpdateFiles;
  readonly budget: ByteBudget;
  /** The region's server. Throws HubError where there is none. Looks of one store take turns (look-turns.ts). */
  readonly repository: () => Repository;
  readonly place: CataloguePlace;
  /** A floor of its own: with the release's counter it has nothing to do. */
  readonly counter: ReleaseCounter;
  /** The one that this hub has started with; asked when `run` begins. */
  readonly inForce: () => InstalledCatalogue | null;
  /** The configuration names a folder of its own, which counts alone. */
  readonly isNamedHere: boolean;
  /** Read sensors by this from now on; resolves when they are. Rejects only with the signal's reason. */
  readonly apply: (catalogue: Catalogue, signal: AbortSignal) => Promise<void>;
  /** What is reported to the region has changed. */
  readonly onChanged: () => void;
}

/** The region's catalogue as a signed target: fetched, verified, durable, and in force without a restart. */
export interface CatalogueUpdate {
  readonly part: DesiredPart;
  reported(): CatalogueReport;
  /** Never rejects for what the network, the repository or the disk does. */
  run(signal: AbortSignal): Promise<void>;
}

const parseWanted = (content: unknown): WantedCatalogue | string => {
  if (typeof content !== "object" || content === null) return "not an object {target, counter}";
  const { target, counter } = content as Readonly<Record<string, unknown>>;
  if (typeof target !== "string" || target === "" || target.length > LONGEST_TARGET) return "`target` is no path";
  if (!Number.isSafeInteger(counter) || Number(counter) < 0) return "`counter` is no whole number";
  return { target, counter: Number(counter) };
};

const isSame = (a: WantedCatalogue | null, b: WantedCatalogue | null): boolean =>
  a?.target === b?.target && a?.counter === b?.counter;

/** Throws `update-unfit` or `update-rolled-back`. */
const checkTerms = ({ path: target, custom, length }: TrustedTarget, wanted: WantedCatalogue, floor: number): void => {
  const unfit = (found: string): HubError =>
    new HubError("update-unfit", `catalogue: ${target} ${found}; ask the region to publish and name it again`);
  const { artefact, counter } = (custom ?? {}) as Readonly<Record<string, unknown>>;
  if (artefact !== "catalogue") throw unfit("is not signed as a catalogue");
  if (counter !== wanted.counter) {
    throw unfit(`is signed with counter ${String(counter)}, and the region wants ${wanted.counter}`);
  }
  if (length > MOST_BUNDLE_BYTES) throw unfit(`has ${length} bytes, and ${MOST_BUNDLE_BYTES} are the most`);
  if (counter >= floor) return;
  throw new HubError(
    "update-rolled-back",
    `catalogue: ${target} has counter ${counter}, and this hub has already gone by ${floor}; an older one is refused. To go back, the region signs it again with a higher counter`,
    { context: { found: counter, floor } },
  );
};

/** Another attempt finds the same: what was signed says no. */
const FOR_GOOD = ["update-unfit", "update-rolled-back", "invalid-config"] as const;

export const createCatalogueUpdate = (options: CatalogueUpdateOptions): CatalogueUpdate => {
  const { clock, random, logger, report, files, budget, place, counter, apply, onChanged } = options;
  let wanted: WantedCatalogue | null = null;
  let applied: InstalledCatalogue | null = null;
  let here: InstalledCatalogue | null = null;
  let state: CatalogueReport["state"] = "idle";
  let why: { readonly code: string; readonly reason: string } | null = null;
  let vain = 0;
  let wish = new AbortController();

  const become = (next: typeof state, reason: typeof why = null): void => {
    if (next === state && reason?.reason === why?.reason) return;
    state = next;
    why = reason;
    onChanged();
  };

  const fetched = async (one: WantedCatalogue, signal: AbortSignal): Promise<InstalledCatalogue> => {
    const { source, look } = options.repository();
    await using update = await look(signal);
    await update.refresh();
    const target = await update.target(one.target);
    const installed = await place.installed();
    checkTerms(target, one, Math.max(await counter.floor(), installed?.counter ?? 0));
    const name = target.hashes[0]?.digest ?? "download";
    const where = { directory: place.downloads, name, alsoNeededBytes: target.length };
    await downloadTarget({ files, source, clock, budget, target, ...where }, signal);
    const bytes = await files.read(path.join(place.downloads, name));
    return await place.install(parseCatalogueBundle(bytes ?? new Uint8Array()), one);
  };

  /** Each step may be done again after a cut of the power. */
  const bringInForce = async (one: WantedCatalogue, signal: AbortSignal): Promise<void> => {
    const found = await place.installed();
    if (found !== null && isSame(found, one) && found.digest === applied?.digest && state === "idle") return;
    become("installing");
    here = found !== null && isSame(found, one) ? found : await fetched(one, signal);
    if ((await counter.floor()) < one.counter) await counter.raise(one.counter);
    if (here.digest !== applied?.digest) {
      await apply(await place.load(here), signal);
      logger.info("catalogue of certified sensors is in force", { found: one.target, count: one.counter });
    }
    applied = here;
    await place.prune(here);
    vain = 0;
    become("idle");
  };

  /** Null: there is nothing to do until the next wish. */
  const attempt = async (signal: AbortSignal): Promise<Millis | null> => {
    const one = wanted;
    if (one === null || state === "refused") return null;
    try {
      await bringInForce(one, signal);
      return null;
    } catch (thrown) {
      signal.throwIfAborted();
      const code = isHubError(thrown) ? thrown.code : "unknown";
      const reason = isHubError(thrown) ? thrown.message : `catalogue: ${messageOf(thrown)}; it is tried again later`;
      logger.warn("catalogue of the region is not in force", { code, reason });
      if ((FOR_GOOD as readonly string[]).includes(code)) {
        become("refused", { code, reason });
        report("catalogue-fault", reason, { state: code, target: one.target, counter: one.counter });
        return null;
      }
      become("failed", { code, reason });
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(vain, 16)) * (1 - random() / 2);
      vain += 1;
      return millis(pause);
    }
  };

  return {
    part: async (content) => {
      if (content === undefined || content === null) {
        // What is in force stays: a hub does not forget what was certified because a message does not name it.
        wanted = null;
        return null;
      }
      if (options.isNamedHere)
        return "the configuration of this hub names a catalogue folder of its own (catalogue.folder)";
      const parsed = parseWanted(content);
      if (typeof parsed === "string") return parsed;
      if (isSame(parsed, wanted)) return null;
      wanted = parsed;
      vain = 0;
      become(state === "refused" || state === "failed" ? "installing" : state);
      wish.abort();
      return null;
    },
    reported: () => ({
      target: here?.target ?? null,
      counter: here?.counter ?? null,
      state,
      code: why?.code ?? null,
      reason: why?.reason ?? null,
    }),
    run: async (signal) => {
      [applied, here] = [options.inForce(), options.inForce()];
      if (here !== null) onChanged();
      while (!signal.aborted) {
        wish = new AbortController();
        const either = AbortSignal.any([signal, wish.signal]);
        try {
          const pause = await attempt(either);
          if (pause === null) await untilAborted(either);
          else await clock.sleep(pause, either);
        } catch (thrown) {
          if (!either.aborted) throw thrown;
        }
      }
    },
  };
};
