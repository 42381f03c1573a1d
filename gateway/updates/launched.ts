import type { Launched } from "../../ota/images/release-images.ts";

/** What the launcher chose for this process, and the folder that it chose from (packaging/launch/hemhub-launch). */
export interface LaunchedHere extends Launched {
  readonly folder: string;
}

/** From this process's environment; null where no launcher started it: then nothing can be switched. */
export const launchedBy = (env: Readonly<Record<string, string | undefined>>): LaunchedHere | null => {
  const { HEMHUB_RELEASES: folder, HEMHUB_SLOT: slot, HEMHUB_RELEASE: release } = env;
  if (folder === undefined || slot === undefined || release === undefined) return null;
  const tries = Number(env.HEMHUB_TRY ?? 0);
  return {
    folder,
    slot,
    release,
    tries: Number.isSafeInteger(tries) ? tries : 0,
    reason: env.HEMHUB_SLOT_REASON ?? "",
  };
};
