import { readFile } from "node:fs/promises";
import path from "node:path";
import { type ByteBudget, openByteBudget, unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import { createHttpSource } from "../../ota/download/http-source.ts";
import type { RepositorySource } from "../../ota/download/source.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import type { ReleaseCounter } from "../../ota/trust/release-counter.ts";
import type { TrustedUpdate } from "../../ota/trust/trusted-update.ts";
import type { Repository } from "../../ota/update/update-steps.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { UpdatesConfig } from "../config/hub-config.ts";
import { catalogueFolder } from "./catalogue-place.ts";
import { createLookTurns } from "./look-turns.ts";
import type { RunningRelease } from "./running-release.ts";

/** What a mobile contract counts by. */
const BUDGET_PERIOD = minutes(30 * 24 * 60);

/** Where what is signed comes from, for releases and for the catalogue: one trust, one line. */
export interface UpdateSource {
  readonly files: UpdateFiles;
  /** Folder of what is remembered. */
  readonly place: string;
  readonly budget: ByteBudget;
  /** Floor of releases. */
  readonly releases: ReleaseCounter;
  /** Floor of catalogues. */
  readonly catalogues: ReleaseCounter;
  /** Of the region's server (null), or of a folder. Throws HubError `update-unreachable` where there is none. */
  repository(folder: string | null): Repository;
}

export interface UpdateSourceOptions {
  readonly config: UpdatesConfig;
  readonly dataDir: string;
  readonly files: UpdateFiles;
  readonly release: RunningRelease;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What verifies signatures: loaded when something is first looked at, for it takes memory, and most hubs rest. */
interface Trust {
  readonly releases: ReleaseCounter;
  readonly catalogues: ReleaseCounter;
  look(source: RepositorySource, signal: AbortSignal): Promise<TrustedUpdate>;
}

const readRoot = async (file: string, logger: Logger): Promise<Uint8Array | null> => {
  try {
    return await readFile(file);
  } catch (thrown) {
    logger.warn("the region's root for updates is not readable", { path: file, reason: messageOf(thrown) });
    return null;
  }
};

const openTrust = async ({ config, dataDir, files, release, clock, logger }: UpdateSourceOptions): Promise<Trust> => {
  const [{ initialiseTrust, openMetadataStore }, { createReleaseCounter }, { openTrustedUpdate }, { createFloorFile }] =
    await Promise.all([
      import("../../ota/trust/metadata-store.ts"),
      import("../../ota/trust/release-counter.ts"),
      import("../../ota/trust/trusted-update.ts"),
      import("../../ota/trust/floor-file.ts"),
    ]);
  const directory = path.join(dataDir, "updates", "metadata");
  const shippedRoot = await readRoot(config.root, logger);
  if (shippedRoot !== null && (await files.read(path.join(directory, "root.json"))) === null) {
    await initialiseTrust(files, directory, shippedRoot);
  }
  const store = openMetadataStore({ files, directory, shippedRoot });
  const folder = catalogueFolder(dataDir);
  await files.makeDirectory(folder);
  return {
    releases: createReleaseCounter(store),
    catalogues: createReleaseCounter({ ...store, floors: createFloorFile(files, folder) }),
    look: (source, signal) => openTrustedUpdate({ store, source, clock, builtAt: release.builtAt }, signal),
  };
};

/** Rejects as the disk does. */
export const openUpdateSource = async (options: UpdateSourceOptions): Promise<UpdateSource> => {
  const { config, dataDir, files, clock } = options;
  const { url, monthlyBytes } = config;
  const place = path.join(dataDir, "updates");
  await files.makeDirectory(place);
  const turn = createLookTurns();
  let trust: Promise<Trust> | null = null;
  const theTrust = (): Promise<Trust> => {
    trust ??= openTrust(options);
    // Where it failed, as with a full disk, the next look tries anew.
    trust.catch(() => {
      trust = null;
    });
    return trust;
  };
  const counterOf = (which: "releases" | "catalogues"): ReleaseCounter => ({
    floor: async () => (await theTrust())[which].floor(),
    raise: async (counter) => (await theTrust())[which].raise(counter),
  });

  const sourceOf = (folder: string | null): RepositorySource => {
    if (folder !== null) return createFolderSource(folder);
    if (url === null) {
      const sentence = "update: the configuration names no `updates.url`; releases come by hand";
      throw new HubError("update-unreachable", sentence);
    }
    const at = (name: string): URL => new URL(`${url}${name}`);
    return createHttpSource({ metadataUrl: at("metadata/"), targetsUrl: at("targets/") });
  };

  const link = { files, file: path.join(place, "link-use.json"), period: BUDGET_PERIOD };
  return {
    files,
    place,
    budget:
      monthlyBytes === null ? unlimitedBudget : await openByteBudget({ ...link, limitBytes: monthlyBytes }, clock),
    releases: counterOf("releases"),
    catalogues: counterOf("catalogues"),
    repository: (folder) => {
      const source = sourceOf(folder);
      return { source, look: (signal) => turn(async () => (await theTrust()).look(source, signal), signal) };
    },
  };
};
