import path from "node:path";
import type { Hawkbit, HawkbitConfig } from "../../ota/hawkbit/hawkbit.ts";
import { createReleaseImages, mountedForm } from "../../ota/images/release-images.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import { MOST_TRIES } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import { createMemoryFile } from "../../ota/update/memory-file.ts";
import { createUpdates, type Updates } from "../../ota/update/update-loop.ts";
import type { Outcome, Reason } from "../../ota/update/update-state.ts";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { machineBootId } from "../clock/machine-signs.ts";
import type { UpdatesConfig } from "../config/hub-config.ts";
import { brokerAddress } from "../forward/tls-socket.ts";
import { keepRunning } from "../health/keep-running.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import { HUB_VERSION } from "../version.ts";
import { type CareCircumstances, careComesFirst, minuteOfDay } from "./care.ts";
import { createBacklogWatch } from "./care-backlog.ts";
import { measuringNow } from "./care-signs.ts";
import type { LaunchedHere } from "./launched.ts";
import type { ReleaseUpdates, UpdatesOptions } from "./open-updates.ts";
import { reportedRelease } from "./reported-release.ts";
import type { RunningRelease } from "./running-release.ts";
import { createTrial } from "./trial.ts";
import { noteBefore } from "./trial-before.ts";
import type { TrialProbes } from "./trial-gates.ts";
import { createTrialProbes } from "./trial-probes.ts";
import { createTrialFile } from "./trial-record.ts";
import { updateCommands } from "./update-commands.ts";
import { createUpdateDesk, type UpdateDesk } from "./update-desk.ts";
import type { UpdateSource } from "./update-source.ts";

interface BackendParts {
  readonly config: UpdatesConfig;
  readonly launched: LaunchedHere | null;
  readonly source: UpdateSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

const raucBackend = async ({ source, clock, logger }: BackendParts): Promise<UpdateBackend> => {
  const [{ createRaucBackend }, { openDbus }] = await Promise.all([
    import("../../ota/rauc/rauc-backend.ts"),
    import("../../drivers/ble/bluez/dbus.ts"),
  ]);
  return createRaucBackend({
    files: source.files,
    clock,
    logger,
    folder: source.place,
    bootId: await machineBootId(),
    openBus: (listener) => openDbus(null, listener),
    onProgress: ({ percent, step }) => logger.debug("rauc installs", { count: percent, text: step }),
  });
};

/** Throws HubError `update-unreachable` where nothing can be switched here. */
const openBackend = async (parts: BackendParts): Promise<UpdateBackend> => {
  const { config, launched, source } = parts;
  const { files } = source;
  if (config.backend === "rauc") return await raucBackend(parts);
  if (launched === null) {
    const sentence =
      "this hub was not started by hemhub-launch, so nothing can be switched; start it as docs/updates.md says";
    throw new HubError("update-unreachable", sentence);
  }
  const form = config.images === "mounted" ? mountedForm(files) : unpackedForm(files);
  return createReleaseImages({ files, folder: launched.folder, launched, form });
};

const openHawkbit = async (
  hawkbit: HawkbitConfig,
  { options, config, release, source }: WiredOptions,
  updates: Updates,
  desk: UpdateDesk,
): Promise<Hawkbit> => {
  const { createHawkbit } = await import("../../ota/hawkbit/hawkbit.ts");
  return createHawkbit({
    config: hawkbit,
    clock: options.clock,
    random: Math.random,
    logger: options.logger,
    files: source.files,
    file: path.join(source.place, "hawkbit.json"),
    tls: async () => {
      const { ca, certificate, key } = await options.credentials();
      return { ca: [...ca], cert: certificate, key };
    },
    want: desk.hear,
    memory: () => (updates.backend() === null ? null : updates.memory()),
    attributes: () => ({
      hardware: config.hardware,
      arch: process.arch,
      version: HUB_VERSION,
      counter: String(release.counter),
    }),
  });
};

const CRASHED: Reason = {
  code: "crashed",
  sentence: `update: it ended by itself ${MOST_TRIES} times in its trial, so the system before it runs again`,
};

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
  /** Null where no launcher started this process, as on a machine that RAUC updates. */
  readonly launched: LaunchedHere | null;
  readonly release: RunningRelease;
  readonly source: UpdateSource;
}

/** The releases of a hub that can take them. Rejects as the disk does, and with `update-unreachable`. */
export const openWiredUpdates = async (wired: WiredOptions): Promise<ReleaseUpdates> => {
  const { options, config, launched, release, source } = wired;
  const { time, zone, clock, logger, report, sources } = options;
  const { files, place } = source;
  const { hub, region } = options.config;
  const backend = await openBackend({ config, launched, source, clock, logger });
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
  const { host, port } = brokerAddress(region.url, region.serverName);
  const broker = { host, port };
  const file = createTrialFile(files, path.join(place, "trial.json"));
  const probesNow = (): TrialProbes => createTrialProbes({ ...sources(), config: options.config, backlog });

  const updates: Updates = createUpdates({
    clock,
    random: Math.random,
    logger,
    files,
    now: () => time.stamp().utc,
    hub: { id: hub.id, hardware: config.hardware, arch: process.arch, running: release.counter },
    backend,
    memory: createMemoryFile(files, path.join(place, "update.json")),
    counter: source.releases,
    budget: source.budget,
    repository: source.repository,
    careComesFirst: (wanted, isByHand) => {
      const held = isByHand ? null : hawkbit?.holdsBack(wanted);
      return held ?? careComesFirst(wanted, isByHand, circumstances());
    },
    beforeTrial: (image, signal) => noteBefore({ probes: probesNow(), file, broker, clock }, image, signal),
    prove: async (signal) => {
      const { state } = updates.memory();
      if (state.tag !== "trial") return null;
      // Where a boot loader counts starts, it counts those of the machine: the process's are for the hub to count.
      if (backend.capabilities.restartsMachine && options.crashes >= MOST_TRIES) return CRASHED;
      return await createTrial({ image: state.offer.image, probes: probesNow(), file, broker, clock, logger }).prove(
        signal,
      );
    },
    restart: (reason) => {
      logger.info("hub restarts for an update", { reason });
      options.restart(backend.capabilities.restartsMachine);
    },
    onChange: (memory, before) => {
      const trouble = updates.backend()?.trouble ?? null;
      if (memory === before && trouble !== null)
        report("hub-fault", trouble.sentence, { state: "release", code: trouble.code });
      const [newest] = memory.outcomes;
      if (newest !== undefined && newest !== before.outcomes[0]) tellOutcome(newest, report);
      desk.tell(memory);
      hawkbit?.changed();
      options.onChanged();
    },
  });
  const slotNow = (): string => {
    if (updates.backend()?.running.isTrial === true) return "trial";
    return launched === null || launched.slot === "trial" ? "current" : launched.slot;
  };
  const desk = createUpdateDesk({
    updates,
    slot: slotNow,
    release,
    version: HUB_VERSION,
    hawkbit: config.hawkbit === null ? null : { trouble: () => hawkbit?.status().trouble ?? null },
    clock,
  });
  const hawkbit = config.hawkbit === null ? null : await openHawkbit(config.hawkbit, wired, updates, desk);
  /** Whatever is wrong with an update, readings go on: it is said, and tried again. */
  const run = async (signal: AbortSignal): Promise<void> => {
    try {
      await updates.run(signal);
    } catch (thrown) {
      if (isHubError(thrown)) throw thrown;
      throw new HubError("update-unreachable", `update: ${messageOf(thrown)}; it is tried again`, { cause: thrown });
    }
  };
  return {
    part: desk.part,
    commands: updateCommands(desk),
    reported: () => {
      const status = updates.backend();
      return status === null ? null : reportedRelease(updates.memory(), status, slotNow(), release.counter);
    },
    run: async (signal) => {
      // A backend that does not answer at the start, such as RAUC, is asked again.
      const kept = { part: "updates", clock, logger };
      await Promise.all([keepRunning(kept, run, signal), backlog.run(signal), hawkbit?.run(signal)]);
    },
  };
};
