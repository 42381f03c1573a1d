import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathOf } from "../support/requirements.ts";

const MAIN = resolve(import.meta.dirname, "../../gateway/main.ts");

/** The wall clock of a real hub process, by libfaketime and a file that is read once a second. */
export interface FalseClock extends AsyncDisposable {
  /** The command that runs a hub under this clock; its monotonic clock stays true. */
  readonly hub: readonly string[];
  /** `@1970-01-01 00:05:00`: runs on from there; `+0`: the truth; `+3h`. */
  set(time: string): Promise<void>;
}

/** Needs the requirement `faketime`. */
export const createFalseClock = async (time: string): Promise<FalseClock> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-clock-"));
  const file = join(folder, "time");
  const set = async (next: string): Promise<void> => {
    await writeFile(`${file}.new`, `${next}\n`);
    await rename(`${file}.new`, file);
  };
  await set(time);
  return {
    hub: [
      "/usr/bin/env",
      `LD_PRELOAD=${pathOf("faketime")}`,
      `FAKETIME_TIMESTAMP_FILE=${file}`,
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "FAKETIME_CACHE_DURATION=1",
      process.execPath,
      MAIN,
    ],
    set,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
};
