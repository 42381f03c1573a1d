import path from "node:path";
import type { Brand } from "../../protocol/brand.ts";
import type { UpdateFiles } from "../files/update-files.ts";

/** SHA-256 of a release image, 64 lower-case hexadecimal digits: its name in every slot. */
export type ImageHash = Brand<string, "ImageHash">;

/** Starts that a release on trial gets; packaging/launch/hemhub-launch counts them. */
export const MOST_TRIES = 3;

export const imageHash = (text: string): ImageHash | null => (/^[0-9a-f]{64}$/.test(text) ? (text as ImageHash) : null);

/** A release that was taken back, and why in a word. */
export interface FailedRelease {
  readonly release: ImageHash;
  readonly reason: string;
}

export interface SlotState {
  /** The release in force; null where the one that the hub was installed with is. */
  readonly current: ImageHash | null;
  /** What was in force before: the launcher falls back to it where the current one has rotted. */
  readonly previous: ImageHash | null;
  /** Next start runs this one; null where there is no trial. */
  readonly trial: ImageHash | null;
  /** Starts that the trial has had; garbage counts as all of them. */
  readonly tries: number;
  readonly lastFailed: FailedRelease | null;
}

/**
 * The files that say which release runs, in the folder that packaging/launch/hemhub-launch reads at every start. Each
 * change is durable when it resolves; a cut of the power before leaves what was, or what was to be, and both can start.
 */
export interface Slots {
  /** Content that is not a hash reads as none: the launcher passes it over as well. */
  read(): Promise<SlotState>;
  /** The next start tries this release. It must lie in `images` whole. */
  activate(release: ImageHash): Promise<void>;
  /** The release on trial is in force from now on. */
  commit(release: ImageHash): Promise<void>;
  /** No start tries this release any more. `reason` is one word, as the launcher's own are. */
  takeBack(release: ImageHash, reason: string): Promise<void>;
}

export const createSlots = (files: UpdateFiles, folder: string): Slots => {
  const at = (name: string): string => path.join(folder, name);

  const firstLine = async (name: string): Promise<string> => {
    const content = await files.read(at(name));
    return content === null ? "" : (Buffer.from(content).toString("latin1").split("\n", 1)[0] ?? "");
  };
  const put = (name: string, line: string): Promise<void> => files.replace(at(name), Buffer.from(`${line}\n`));

  const read = async (): Promise<SlotState> => {
    const [current, previous, trial, tries, failed] = await Promise.all(
      ["current", "previous", "trial", "tries", "last-failed"].map(firstLine),
    );
    const [failedHash = "", ...reason] = (failed ?? "").split(" ");
    const failedRelease = imageHash(failedHash);
    return {
      current: imageHash(current ?? ""),
      previous: imageHash(previous ?? ""),
      trial: imageHash(trial ?? ""),
      tries: /^[0-9]$/.test(tries ?? "") ? Math.min(Number(tries), MOST_TRIES) : MOST_TRIES,
      lastFailed: failedRelease === null ? null : { release: failedRelease, reason: reason.join(" ") },
    };
  };

  return {
    read,
    activate: async (release) => {
      // Tries first: the count of an earlier trial must not be this one's.
      await put("tries", "0");
      await put("trial", release);
    },
    commit: async (release) => {
      const { current } = await read();
      if (current !== null && current !== release) await put("previous", current);
      await put("current", release);
      // Where the name comes back after a cut, the launcher sees that the trial is what is in force.
      await files.remove(at("trial"));
    },
    takeBack: async (release, reason) => {
      await put("last-failed", `${release} ${reason}`);
      // Where the name of the trial comes back after a cut, no try is left for it.
      await put("tries", String(MOST_TRIES));
      await files.remove(at("trial"));
    },
  };
};
