import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import type { Zone } from "../../drivers/normalise/zone.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { CatalogueReport, ReportedRelease } from "../../protocol/desired.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import type { DesiredPart } from "../commands/desk.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { DiagnosticCommand } from "../diagnostics/command.ts";
import type { LinkCredentials } from "../forward/tls-socket.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { CareSources } from "./care-signs.ts";
import { catalogueFolder, type InstalledCatalogue, openCataloguePlace } from "./catalogue-place.ts";
import { launchedBy } from "./launched.ts";
import { readRunningRelease } from "./running-release.ts";
import type { TrialSources } from "./trial-probes.ts";
import type { UpdateSource } from "./update-source.ts";

/** The parts of a running hub that an update waits for, and that a release on trial is judged by. */
export type UpdateSources = CareSources & Omit<TrialSources, "config" | "backlog">;

export interface UpdatesOptions {
  readonly config: HubConfig;
  readonly time: HubTime;
  /** The home's. */
  readonly zone: Zone;
  readonly depth: Outbox["depth"];
  /** Starts in this boot, before this one, that came to nothing. */
  readonly crashes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Asked once the parts are there. */
  readonly sources: () => UpdateSources;
  /** The catalogue that this hub has started with, where it came as a signed target. */
  readonly catalogue: () => InstalledCatalogue | null;
  /** Read sensors by this from now on. Rejects only with the signal's reason. */
  readonly applyCatalogue: (catalogue: Catalogue, signal: AbortSignal) => Promise<void>;
  /** Of the hub to its region, for a server that wants its certificate. */
  readonly credentials: () => Promise<LinkCredentials>;
  /** End this process in order, or have the machine restart: the next start finds what was switched. */
  readonly restart: (isMachine: boolean) => void;
  /** What is reported to the region has changed. */
  readonly onChanged: () => void;
}

/** The releases of a hub, or why it takes none. */
export interface ReleaseUpdates {
  readonly part: DesiredPart;
  readonly commands: readonly DiagnosticCommand[];
  reported(): ReportedRelease | null;
  run(signal: AbortSignal): Promise<void>;
}

/** What of a running hub comes as signed targets: its releases, and the catalogue of certified sensors. */
export interface HubUpdates {
  readonly parts: ReadonlyMap<string, DesiredPart>;
  readonly commands: readonly DiagnosticCommand[];
  reported(): { readonly release: ReportedRelease | null; readonly catalogue: CatalogueReport | null };
  run(signal: AbortSignal): Promise<void>;
}

/** Whoever wants something of a hub that cannot is told why. */
const refused =
  (sentence: string): DesiredPart =>
  async (content) =>
    content === undefined || content === null ? null : sentence;

const withoutReleases = (sentence: string): ReleaseUpdates => ({
  part: refused(sentence),
  commands: [
    {
      name: "update status",
      summary: "why this hub takes no updates",
      role: "view",
      // biome-ignore lint/correctness/useYield: it has nothing else to say
      async *run() {
        throw new HubError("update-unreachable", sentence);
      },
    },
  ],
  reported: () => null,
  run: async () => undefined,
});

const without = (sentence: string): HubUpdates => {
  const { part, commands, run } = withoutReleases(sentence);
  return {
    parts: new Map([
      ["release", part],
      ["catalogue", part],
    ]),
    commands,
    reported: () => ({ release: null, catalogue: null }),
    run,
  };
};

const openCatalogue = async (options: UpdatesOptions, source: UpdateSource) => {
  const { createCatalogueUpdate } = await import("./catalogue-update.ts");
  const { config, clock, logger, report } = options;
  return createCatalogueUpdate({
    clock,
    random: Math.random,
    logger,
    report,
    files: source.files,
    budget: source.budget,
    repository: () => source.repository(null),
    place: openCataloguePlace(source.files, catalogueFolder(config.hub.dataDir)),
    counter: source.catalogues,
    inForce: options.catalogue,
    isNamedHere: config.catalogue.folder !== null,
    apply: options.applyCatalogue,
    onChanged: options.onChanged,
  });
};

/** A hub that cannot take updates measures and forwards as ever; `update status` says why. */
export const openUpdates = async (
  options: UpdatesOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HubUpdates> => {
  const { clock, logger } = options;
  const { updates: config, hub } = options.config;
  if (config === null) return without("update: the configuration has no section `updates`, so nothing is updated");
  const unable = (thrown: unknown): string => {
    const reason = messageOf(thrown);
    logger.error("updates cannot work", { reason });
    return `update: it cannot work here (${reason})`;
  };
  try {
    const [{ openUpdateSource }, { openWiredUpdates }] = await Promise.all([
      import("./update-source.ts"),
      import("./wired-updates.ts"),
    ]);
    const release = await readRunningRelease();
    const files = createDiskFiles();
    const source = await openUpdateSource({ config, dataDir: hub.dataDir, files, release, clock, logger });
    const wired = { options, config, launched: launchedBy(env), release, source };
    const releases = await openWiredUpdates(wired).catch((thrown) => withoutReleases(unable(thrown)));
    const catalogue = await openCatalogue(options, source);
    return {
      parts: new Map([
        ["release", releases.part],
        ["catalogue", catalogue.part],
      ]),
      commands: releases.commands,
      reported: () => ({ release: releases.reported(), catalogue: catalogue.reported() }),
      run: async (signal) => {
        await Promise.all([releases.run(signal), catalogue.run(signal)]);
      },
    };
  } catch (thrown) {
    return without(unable(thrown));
  }
};
