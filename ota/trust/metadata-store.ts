import path from "node:path";
import { HubError } from "../../protocol/errors.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import { createFloorFile, type FloorFile } from "./floor-file.ts";
import { readRoot } from "./verified-metadata.ts";

/**
 * root before what it vouches for, timestamp and snapshot before what they list: a cut of the power between two files
 * leaves a set in which the newer files only raise what the next check demands.
 */
const INSTALL_ORDER = ["root.json", "timestamp.json", "snapshot.json", "targets.json"];

const rank = (name: string): number => {
  const at = INSTALL_ORDER.indexOf(name);
  return at < 0 ? INSTALL_ORDER.length : at;
};

/** Names of metadata files, in the order in which they must become durable. */
export const inInstallOrder = (names: readonly string[]): readonly string[] =>
  names.filter((name) => name.endsWith(".json")).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

/** The metadata that a hub trusts, in a folder of its own. */
export interface MetadataStore {
  readonly floors: FloorFile;
  /** Content of a metadata file, such as `timestamp.json`; null where it was never installed. */
  installed(name: string): Promise<Uint8Array | null>;
  /** Durable when it resolves. Callers install in `inInstallOrder`. */
  install(name: string, content: Uint8Array): Promise<void>;
  /** A scratch copy of all that is installed; what is written there counts for nothing until it is installed. */
  stage(): Promise<Staging>;
}

export interface Staging extends AsyncDisposable {
  readonly directory: string;
  /** As if a file had never been installed: the TUF client then fetches it. */
  drop(name: string): Promise<void>;
  /** What lies there now, in the order of installation. */
  contents(): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface MetadataStoreOptions {
  readonly files: UpdateFiles;
  readonly directory: string;
  /** Root that the release itself brings: where root.json was damaged, the chain is walked again from here. */
  readonly shippedRoot: Uint8Array | null;
}

/** Put a root in place that was obtained out of band (TUF specification 5.2). Durable when it resolves. */
export const initialiseTrust = async (files: UpdateFiles, directory: string, root: Uint8Array): Promise<void> => {
  if (readRoot(root) === null) {
    throw new HubError(
      "update-untrusted",
      "setting up updates: the given root.json is not a root that is signed by its own keys; take it from the region again",
    );
  }
  await files.makeDirectory(directory);
  await files.replace(path.join(directory, "root.json"), root);
};

/** One at a time a folder: two stagings of the same folder would overwrite each other. */
export const openMetadataStore = ({ files, directory, shippedRoot }: MetadataStoreOptions): MetadataStore => {
  const at = (name: string): string => path.join(directory, name);

  const usableRoot = async (): Promise<Uint8Array> => {
    const installed = await files.read(at("root.json"));
    if (installed !== null && readRoot(installed) !== null) return installed;
    if (shippedRoot !== null) return shippedRoot;
    throw new HubError(
      "update-untrusted",
      `update check: root.json is ${installed === null ? "missing" : "damaged"}, so no release can be verified; give the hub the region's root again`,
    );
  };

  return {
    floors: createFloorFile(files, directory),
    installed: (name) => files.read(at(name)),
    install: (name, content) => files.replace(at(name), content),
    stage: async () => {
      const root = await usableRoot();
      const place = at("staging");
      // The folder itself stays: making it durably at every check would write to the disk for nothing.
      const clear = async (): Promise<void> => {
        for (const name of await files.list(place)) await files.remove(path.join(place, name));
      };
      await files.makeDirectory(place);
      await clear();
      for (const name of inInstallOrder(await files.list(directory))) {
        const content = name === "root.json" ? root : await files.read(at(name));
        if (content !== null) await files.scratch(path.join(place, name), content);
      }
      await files.scratch(path.join(place, "root.json"), root);
      return {
        directory: place,
        drop: (name) => files.remove(path.join(place, name)),
        contents: async () => {
          const found = new Map<string, Uint8Array>();
          for (const name of inInstallOrder(await files.list(place))) {
            const content = await files.read(path.join(place, name));
            if (content !== null) found.set(name, content);
          }
          return found;
        },
        [Symbol.asyncDispose]: clear,
      };
    },
  };
};
