import { readFile } from "node:fs/promises";
import { type EpochMs, epochMs } from "../../protocol/time.ts";

/** What the release that runs says of itself; region/release/build.ts writes it. */
export interface RunningRelease {
  /** 0 for what was never released, such as a checkout. */
  readonly counter: number;
  readonly builtAt: EpochMs;
}

const NEVER_RELEASED: RunningRelease = { counter: 0, builtAt: epochMs(0) };

/** Beside the program: every file of the bundle lies in one folder. */
const FILE = new URL("./release.json", import.meta.url);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** A release without a readable `release.json` counts as older than all others, so that every other may follow it. */
export const readRunningRelease = async (file: URL = FILE): Promise<RunningRelease> => {
  try {
    const { counter, builtAt } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    if (!isCount(counter)) return NEVER_RELEASED;
    // Seconds since 1970, as git has them.
    return { counter, builtAt: epochMs(isCount(builtAt) ? builtAt * 1000 : 0) };
  } catch {
    return NEVER_RELEASED;
  }
};
