import { readFile } from "node:fs/promises";
import path from "node:path";
import { openByteBudget, unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import { createHttpSource } from "../../ota/download/http-source.ts";
import type { RepositorySource } from "../../ota/download/source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { createReleaseImages, mountedForm } from "../../ota/images/release-images.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import type { ReleaseCounter } from "../../ota/trust/release-counter.ts";
import type { TrustedUpdate } from "../../ota/trust/trusted-update.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import { createMemoryFile } from "../../ota/update/memory-file.ts";
import { createUpdates, type Updates } from "../../ota/update/update-loop.ts";
import type { Outcome } from "../../ota/update/update-state.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { UpdatesConfig } from "../config/hub-config.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { HUB_VERSION } from "../version.ts";
import { type CareCircumstances, careComesFirst, minuteOfDay } from "./care.ts";
import { createBacklogWatch } from "./care-backlog.ts";
import { measuringNow } from "./care-signs.ts";
import type { LaunchedHere } from "./launched.ts";
import type { HubUpdates, UpdatesOptions } from "./open-updates.ts";
import { reportedRelease } from "./reported-release.ts";
import type { RunningRelease } from "./running-release.ts";
import { createTrial } from "./trial.ts";
import { noteBefore } from "./trial-before.ts";
import type { TrialProbes } from "./trial-gates.ts";
import { createTrialProbes } from "./trial-probes.ts";
import { createTrialFile } from "./trial-record.ts";
import { updateCommands } from "./update-commands.ts";
import { createUpdateDesk } from "./update-desk.ts";

/** What a mobile contract counts by. */
const BUDGET_PERIOD = minutes(30 * 24 * 60);

/** What verifies signatures: loaded when something is first looked at, for it takes memory, and most hubs rest. */
interface Trust {
  readonly counter: ReleaseCounter;
  look(source: RepositorySource, signal: AbortSignal): Promise<TrustedUpdate>;
}

interface TrustPlace {
  readonly files: UpdateFiles;
  readonly directory: string;
  /** The region's root.json, from the configuration. */
  readonly root: string;
  readonly release: RunningRelease;
  readonly clock: Clock;
  readonly logger: Logger;
}

const readRoot = async (file: string, logger: Logger): Promise<Uint8Array | null> => {
  try {
    return await readFile(file);
  } catch (thrown) {
    logger.warn("the region's root for updates is not readable", { path: file, reason: messageOf(thrown) });
    return null;
  }
};

const openTrust = async ({ files, directory, root, release, clock, logger }: TrustPlace): Promise<Trust> => {
  const [{ initialiseTrust, openMetadataStore }, { createReleaseCounter }, { openTrustedUpdate }] = await Promise.all([
    import("../../ota/trust/metadata-store.ts"),
    import("../../ota/trust/release-counter.ts"),
    import("../../ota/trust/trusted-update.ts"),
  ]);
  const shippedRoot = await readRoot(root, logger);
  if (shippedRoot !== null && (await files.read(path.join(directory, "root.json"))) === null) {
    await initialiseTrust(files, directory, shippedRoot);
  }
  const store = openMetadataStore({ files, directory, shippedRoot });
  return {
    counter: createReleaseCounter(store),
    look: (source, signal) => openTrustedUpdate({ store, source, clock, builtAt: release.builtAt }, signal),
  };
};

const backendFor = (config: UpdatesConfig, launched: LaunchedHere, files: UpdateFiles): UpdateBackend =>
  createReleaseImages({
    files,
    folder: launched.folder,
    launched,
    form: config.images === "mounted" ? mountedForm(files) : unpackedForm(files),
  });

const EVENT_OF = {
  installed: "release-installed",
  "rolled-back": "release-rolled-back",
  rejected: "release-refused",
} as const;

const tellOutcome = ({ result, wanted, why }: Outcome, report: ReportEvent): void => {
  if (result === "cancelled" || result === "failed-retryable") return;
  const sentence = why === null ? `${wanted.target} is in force` : why.sentence;
  const { campaign, target, counter } = wanted;
  report(EVENT_OF[result], sentence, { campaign, target, counter, state: why?.code ?? result });
};

export interface WiredOptions {
  readonly options: UpdatesOptions;
  readonly config: UpdatesConfig;
  readonly launched: LaunchedHere;
  readonly release: RunningRelease;
}

const DEFAULT_PORT = 8883;

const brokerOf = (url: string): { readonly host: string; readonly port: number } => {
  const { hostname, port } = new URL(url);
  // An IPv6 address stands in brackets in a URL, and without them everywhere else.
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? DEFAULT_PORT : Number(port) };
};

/** The updates of a hub that can take them. Rejects as the disk does. */
export const openWiredUpdates = async ({ options, config, launched, release }: WiredOptions): Promise<HubUpdates> => {
  const { time, zone, clock, logger, report, sources } = options;
  const { hub, region } = options.config;
  const files = createDiskFiles();
  const place = path.join(hub.dataDir, "updates");
  await files.makeDirectory(place);
  let trust: Promise<Trust> | null = null;
  const theTrust = (): Promise<Trust> => {
    const { root } = config;
    trust ??= openTrust({ files, directory: path.join(place, "metadata"), root, release, clock, logger });
    // Where it failed, as with a full disk, the next look tries anew.
    trust.catch(() => {
      trust = null;
    });
    return trust;
  };
  const repository = (folder: string | null) => {
    if (folder === null && config.url === null) {
      throw new HubError(
        "update-unreachable",
        "update: the configuration names no `updates.url`; releases come by hand",
      );
    }
    const at = (name: string): URL => new URL(`${config.url}${name}`);
    const source =
      folder === null
        ? createHttpSource({ metadataUrl: at("metadata/"), targetsUrl: at("targets/") })
        : createFolderSource(folder);
    return { source, look: async (signal: AbortSignal) => (await theTrust()).look(source, signal) };
  };
  const { monthlyBytes } = config;
  const link = { files, file: path.join(place, "link-use.json"), period: BUDGET_PERIOD };
  const backlog = createBacklogWatch(options.depth, clock);
  const circumstances = (): CareCircumstances => {
    const { utc } = time.stamp();
    const parts = sources();
    return {
      measuring: measuringNow(parts),
      isOnline: parts.forwarder.status().state === "up",
      minuteOfDay: utc === null ? null : minuteOfDay(utc, zone.offsetAt(utc)),
      quietHours: config.quietHours,
      backlog: backlog.now(),
    };
  };
  const broker = brokerOf(region.url);
  const file = createTrialFile(files, path.join(place, "trial.json"));
  const probesNow = (): TrialProbes => createTrialProbes({ ...sources(), config: options.config, backlog });

  const updates: Updates = createUpdates({
    clock,
    random: Math.random,
    logger,
    files,
    now: () => time.stamp().utc,
    hub: { id: hub.id, hardware: config.hardware, arch: process.arch, running: release.counter },
    backend: backendFor(config, launched, files),
    memory: createMemoryFile(files, path.join(place, "update.json")),
    counter: {
      floor: async () => (await theTrust()).counter.floor(),
      raise: async (counter) => (await theTrust()).counter.raise(counter),
    },
    budget:
      monthlyBytes === null ? unlimitedBudget : await openByteBudget({ ...link, limitBytes: monthlyBytes }, clock),
    repository,
    careComesFirst: (wanted, isByHand) => careComesFirst(wanted, isByHand, circumstances()),
    beforeTrial: (image, signal) => noteBefore({ probes: probesNow(), file, broker, clock }, image, signal),
    prove: async (signal) => {
      const { state } = updates.memory();
      if (state.tag !== "trial") return null;
      return await createTrial({ image: state.offer.image, probes: probesNow(), file, broker, clock, logger }).prove(
        signal,
      );
    },
    restart: (reason) => {
      logger.info("hub restarts for an update", { reason });
      options.restart();
    },
    onChange: (memory, before) => {
      const trouble = updates.backend()?.trouble ?? null;
      if (memory === before && trouble !== null)
        report("hub-fault", trouble.sentence, { state: "release", code: trouble.code });
      const [newest] = memory.outcomes;
      if (newest !== undefined && newest !== before.outcomes[0]) tellOutcome(newest, report);
      desk.tell(memory);
      options.onChanged();
    },
  });
  const { slot } = launched;
  const desk = createUpdateDesk({ updates, slot, release, version: HUB_VERSION, clock });
  return {
    part: desk.part,
    commands: updateCommands(desk),
    reported: () => {
      const backend = updates.backend();
      return backend === null ? null : reportedRelease(updates.memory(), backend, slot, release.counter);
    },
    run: async (signal) => {
      await Promise.all([updates.run(signal), backlog.run(signal)]);
    },
  };
};
