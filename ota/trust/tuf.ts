import { type TargetFile, Updater } from "tuf-js";
// The one class that tells its client "no newer root" is not exported at the top of tuf-js 6.
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import { MOST_DELEGATIONS, MOST_METADATA_BYTES, MOST_ROOT_ROTATIONS } from "./limits.ts";

/** Metadata of the repository by its name there (percent-encoded); null where there is none. Never more than `most` bytes. */
export type FetchMetadata = (name: string, most: number) => Promise<Buffer | null>;

/** The client workflow of TUF (specification 5). Writes what it has verified into the staging folder, not durably. */
export interface Tuf {
  refresh(): Promise<void>;
  /** Undefined where no role lists the target. Loads the delegated roles on the way. */
  targetOf(path: string): Promise<TargetFile | undefined>;
}

/** Only ever a prefix: names are cut out of it again, and nothing is fetched from it. */
const BASE = "http://repository/";
const NOT_FOUND = 404;

/** tuf-js in one file, so that it stays a one-file exchange. Throws where root.json in the folder is not valid. */
export const createTuf = (stagingDirectory: string, fetchMetadata: FetchMetadata): Tuf => {
  const fetched = async (url: string, most: number): Promise<Buffer> => {
    const bytes = await fetchMetadata(url.slice(BASE.length), most);
    if (bytes === null) throw new DownloadHTTPError("absent", NOT_FOUND);
    return bytes;
  };
  const updater = new Updater({
    metadataDir: stagingDirectory,
    metadataBaseUrl: BASE,
    fetcher: {
      downloadBytes: fetched,
      downloadFile: () => Promise.reject(new Error("targets are downloaded by ota/download only")),
    },
    config: {
      maxRootRotations: MOST_ROOT_ROTATIONS,
      maxDelegations: MOST_DELEGATIONS,
      rootMaxLength: MOST_METADATA_BYTES.root,
      timestampMaxLength: MOST_METADATA_BYTES.timestamp,
      snapshotMaxLength: MOST_METADATA_BYTES.snapshot,
      targetsMaxLength: MOST_METADATA_BYTES.targets,
    },
  });
  return { refresh: () => updater.refresh(), targetOf: (path) => updater.getTargetInfo(path) };
};
