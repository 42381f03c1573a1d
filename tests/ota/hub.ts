import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { type ByteBudget, unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { downloadTarget } from "../../ota/download/downloader.ts";
import { LEAST_PACE } from "../../ota/download/pace.ts";
import type { RepositorySource } from "../../ota/download/source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { initialiseTrust, type MetadataStore, openMetadataStore } from "../../ota/trust/metadata-store.ts";
import type { TrustedTarget } from "../../ota/trust/trusted-target.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type EpochMs, epochMs } from "../../protocol/time.ts";

/** The present of these tests: later than any run of them, so that tuf-js, which asks the machine, agrees. */
export const NOW = epochMs(Date.UTC(2150, 0, 1));

/** The update side of a hub, on a disk of its own. */
export interface TestHub extends AsyncDisposable {
  readonly place: string;
  readonly metadata: string;
  readonly clock: SimulatedClock;
  /** Replaceable, for disks with faults. */
  files: UpdateFiles;
  store(): MetadataStore;
  refresh(source: RepositorySource): Promise<void>;
  target(source: RepositorySource, path: string): Promise<TrustedTarget>;
  download(source: RepositorySource, target: TrustedTarget, options?: DownloadSettings): Promise<string>;
  /** Version that a role has in place; null where it has none. */
  version(role: string): Promise<number | null>;
}

export interface DownloadSettings {
  readonly budget?: ByteBudget;
  readonly signal?: AbortSignal;
  readonly alsoNeededBytes?: number;
}

export interface TestHubOptions {
  readonly root: Uint8Array;
  readonly shippedRoot?: Uint8Array;
  readonly builtAt?: EpochMs;
  readonly now?: EpochMs;
}

/** Pauses between attempts (up to 32 s) pass at once; the watch over the pace (60 s) is for the test to advance. */
const withoutPauses = (clock: SimulatedClock): Clock => ({
  now: clock.now,
  elapsed: clock.elapsed,
  sleep: async (delay, signal) => {
    if (delay >= LEAST_PACE.within) return clock.sleep(delay, signal);
    signal.throwIfAborted();
  },
});

export const createTestHub = async ({ root, shippedRoot, builtAt, now }: TestHubOptions): Promise<TestHub> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-ota-"));
  const metadata = join(place, "metadata");
  const clock = createSimulatedClock({ startAt: now ?? NOW });
  const { signal } = new AbortController();
  await initialiseTrust(createDiskFiles(), metadata, root);

  const hub: TestHub = {
    place,
    metadata,
    clock,
    files: createDiskFiles(),
    store: () => openMetadataStore({ files: hub.files, directory: metadata, shippedRoot: shippedRoot ?? null }),
    refresh: async (source) => {
      const options = { store: hub.store(), source, clock, builtAt: builtAt ?? epochMs(0) };
      await using update = await openTrustedUpdate(options, signal);
      await update.refresh();
    },
    target: async (source, path) => {
      const options = { store: hub.store(), source, clock, builtAt: builtAt ?? epochMs(0) };
      await using update = await openTrustedUpdate(options, signal);
      await update.refresh();
      return await update.target(path);
    },
    download: (source, target, settings = {}) => {
      const { budget = unlimitedBudget, alsoNeededBytes = 0 } = settings;
      const where = { directory: join(place, "images"), name: "release", alsoNeededBytes };
      const options = { files: hub.files, source, clock: withoutPauses(clock), budget, target, ...where };
      return downloadTarget(options, settings.signal ?? signal);
    },
    version: async (role) => {
      const bytes = await createDiskFiles().read(join(metadata, `${role}.json`));
      return bytes === null ? null : JSON.parse(Buffer.from(bytes).toString("utf8")).signed.version;
    },
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
  return hub;
};
