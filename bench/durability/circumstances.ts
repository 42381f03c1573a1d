import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { openDatabase } from "../../gateway/store/sqlite.ts";
import { HUB_VERSION } from "../../gateway/version.ts";

/** What was tried, and on what. No name of a host and no path: the page is published. */
export interface Circumstances {
  /** ISO 8601 UTC. */
  readonly date: string;
  readonly version: string;
  /** Full hash; `-changed` behind it where files differ from it; null outside of a checkout. */
  readonly commit: string | null;
  readonly node: string;
  readonly sqlite: string;
  readonly kernel: string;
  readonly machine: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const git = (...args: string[]): string =>
  execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

const commitOf = (): string | null => {
  try {
    const hash = git("rev-parse", "HEAD");
    return git("status", "--porcelain", "--untracked-files=no") === "" ? hash : `${hash}-changed`;
  } catch {
    // A release is built from an archive, without git or without its folder.
    return null;
  }
};

const sqliteVersion = async (): Promise<string> => {
  await using database = await openDatabase(":memory:");
  const [row] = await database.query("SELECT sqlite_version() AS version");
  return String(row?.version ?? "unknown");
};

const GIB = 2 ** 30;

export const readCircumstances = async (): Promise<Circumstances> => ({
  date: new Date().toISOString(),
  version: HUB_VERSION,
  commit: commitOf(),
  node: process.versions.node,
  sqlite: await sqliteVersion(),
  kernel: `${type()} ${release()}`,
  machine: `${availableParallelism()} x ${cpus()[0]?.model.trim() || process.arch}, ${Math.round(totalmem() / GIB)} GiB`,
});
