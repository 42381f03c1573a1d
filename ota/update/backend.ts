import type { ImageHash } from "../slots/slots.ts";
import type { Reason, ReleasePart } from "./update-state.ts";

/** What runs, as the backend knows it. */
export interface BackendStatus {
  readonly running: {
    /** Null for what the hub was installed with. */
    readonly image: ImageHash | null;
    /** True until `markGood`. */
    readonly isTrial: boolean;
    /** Which start of the trial this is, from 1; 0 outside of one. */
    readonly tries: number;
  };
  /** What was given up last: by the hub, or by the launcher or boot loader before it. */
  readonly lastFailed: { readonly image: ImageHash; readonly why: Reason } | null;
  /** Something a person should know, such as a fall-back because the release in force had rotted; null where all is well. */
  readonly trouble: Reason | null;
}

/** What a backend can do; the update's loop asks before it relies on it. */
export interface BackendCapabilities {
  /** What the targets that it takes are: `release-image`, `rauc-bundle`. */
  readonly artefact: string;
  /** It can make an image out of the difference to one that lies here. */
  readonly takesPatches: boolean;
  /** What is activated needs the whole machine to restart, not the hub's process only. */
  readonly restartsMachine: boolean;
}

/**
 * How releases are installed and started on this machine. What is given to it is trusted already: a backend never
 * decides that. Each method may be called again after a cut of the power, and then finishes or repeats what was begun.
 * Rejects with HubError `update-...` and a sentence.
 */
export interface UpdateBackend {
  readonly name: string;
  readonly capabilities: BackendCapabilities;
  /** Folder for downloads, on the disk that `stage` writes to. */
  readonly downloads: string;
  /** Does this image lie here, whole? Reads all of it. */
  has(image: ImageHash): Promise<boolean>;
  /**
   * Make a verified download the image that it stands for; `from` is the image that it is the difference to, null where
   * it is whole. Durable when it resolves, and the download is no longer needed. Rejects with `update-untrusted` where
   * the result is not what was signed: nothing of it is kept.
   */
  stage(part: ReleasePart, file: string, from: ImageHash | null, signal: AbortSignal): Promise<void>;
  /** The next start tries it; `needs` are the other images that it takes. Durable when it resolves; the caller restarts. */
  activate(image: ImageHash, needs: readonly ImageHash[]): Promise<void>;
  /** The trial is over, and this is in force. Durable when it resolves. */
  markGood(image: ImageHash): Promise<void>;
  /** No start tries it any more; the caller restarts. Durable when it resolves. */
  rollback(image: ImageHash, why: Reason): Promise<void>;
  /** Give back the room of what neither runs, nor is fallen back to, nor is in `kept`. */
  prune(kept: readonly ImageHash[]): Promise<void>;
  status(): Promise<BackendStatus>;
}
