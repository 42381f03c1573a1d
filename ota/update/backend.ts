import type { ImageHash } from "../slots/slots.ts";
import type { Offer, Reason } from "./update-state.ts";

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
  /** Content type of the targets that it stages: `release-image`, `rauc-bundle`. */
  readonly artefact: string;
  /** It can make an image out of a difference to one that is installed. */
  readonly takesDeltas: boolean;
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
  /** Folder and name for the download, and what staging takes on the same disk besides, in bytes. */
  placeFor(offer: Offer): { readonly directory: string; readonly name: string; readonly alsoNeededBytes: number };
  /** Make the verified download at `file` ready to be activated. Durable when it resolves. */
  stage(offer: Offer, file: string, signal: AbortSignal): Promise<ImageHash>;
  /** The next start tries it. Durable when it resolves; the caller restarts. */
  activate(image: ImageHash): Promise<void>;
  /** The trial is over, and this is in force. Durable when it resolves. */
  markGood(image: ImageHash): Promise<void>;
  /** No start tries it any more; the caller restarts. Durable when it resolves. */
  rollback(image: ImageHash, why: Reason): Promise<void>;
  status(): Promise<BackendStatus>;
}
