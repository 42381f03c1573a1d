import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/setup.mjs";

const run = promisify(execFile);

/** What a release is built of, beside its packages. */
const SOURCES = ["drivers", "gateway", "ota", "protocol", "region", "scripts", "package.json", "package-lock.json"];
const TOOLS = /^node_modules\/(esbuild$|@esbuild\/)/;

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** A checkout without a history, in another place, with other times: what building a release takes, and no more. */
export const copyCheckout = async (to: string): Promise<void> => {
  for (const source of SOURCES) await cp(path.join(ROOT, source), path.join(to, source), { recursive: true });
  const { packages } = JSON.parse(await readFile(path.join(ROOT, "package-lock.json"), "utf8")) as Lock;
  const top = Object.entries(packages).filter(
    ([folder, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(folder) && (dev !== true || TOOLS.test(folder)),
  );
  for (const [folder] of top) {
    const installed = path.join(ROOT, folder);
    // Builds for other systems are in the lock file, and not here.
    if ((await readdir(installed).catch(() => null)) === null) continue;
    await cp(installed, path.join(to, folder), { recursive: true, verbatimSymlinks: true });
  }
  // The gate's stamp: this checkout is set up.
  await cp(path.join(ROOT, "node_modules", ".hemhub-ready"), path.join(to, "node_modules", ".hemhub-ready"), {
    force: true,
  }).catch(() => undefined);
};

export interface Surroundings {
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
}

export const HERE: Surroundings = { umask: "022", env: { TZ: "UTC", LANG: "C.UTF-8" } };
export const ELSEWHERE: Surroundings = { umask: "077", env: { TZ: "Asia/Kathmandu", LANG: "C" } };

/** `hemhub release build` of a checkout. */
export const build = async (
  checkout: string,
  out: string,
  { umask, env }: Surroundings,
  ...more: readonly string[]
): Promise<void> => {
  const program = [process.execPath, path.join(checkout, "scripts", "release-build.mjs"), "--counter", "7"];
  const command = ["-c", `umask ${umask}; exec "$@"`, "sh", ...program, "--out", out, ...more];
  await run("sh", command, { cwd: "/", env: { PATH: process.env.PATH ?? "", ...env } });
};

/** The files of one build, by what they are. */
export interface Built {
  readonly image: string;
  readonly runtime: string;
  readonly packedImage: string;
  readonly packedRuntime: string;
  /** Differences to earlier images. */
  readonly patches: readonly string[];
}

export const builtIn = (out: string): Built => {
  const { targets } = JSON.parse(readFileSync(path.join(out, "built.json"), "utf8")) as {
    readonly targets: readonly { readonly file: string; readonly custom: { readonly artefact?: string } }[];
  };
  const fileOf = (artefact: string): string => {
    const file = targets.find(({ custom }) => custom.artefact === artefact)?.file;
    if (file === undefined) throw new Error(`no ${artefact} was built in ${out}`);
    return path.join(out, file);
  };
  const [packedImage, packedRuntime] = [fileOf("release-image"), fileOf("runtime-image")];
  return {
    image: packedImage.replace(/\.zst$/, ""),
    runtime: packedRuntime.replace(/\.zst$/, ""),
    packedImage,
    packedRuntime,
    patches: targets.filter(({ custom }) => custom.artefact === undefined).map(({ file }) => path.join(out, file)),
  };
};
