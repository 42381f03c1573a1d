import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { bundle } from "../../scripts/bundle.mjs";
import { ROOT } from "../../scripts/setup.mjs";

/**
 * A program in one file, beside the packages that it needs, until it is disposed of: started from its sources, a
 * program spends a second of the processor on reading TypeScript, and suites that start one a thousand times would do
 * nothing else.
 */
export interface Bundled extends AsyncDisposable {
  readonly file: string;
}

const withPackages = async (make: (folder: string) => Promise<string>): Promise<Bundled> => {
  const place = await mkdtemp(path.join(tmpdir(), "hemhub-bundled-"));
  const folder = path.join(place, "bundle");
  await mkdir(folder);
  await symlink(path.join(ROOT, "node_modules"), path.join(place, "node_modules"));
  return {
    file: await make(folder),
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
};

/** The hub as it is shipped. */
export const bundledHub = (): Promise<Bundled> =>
  withPackages(async (folder) => {
    await bundle(folder);
    return path.join(folder, "hemhub.mjs");
  });

/** A script that finds nothing by its own path. */
export const bundledScript = (script: string): Promise<Bundled> =>
  withPackages(async (folder) => {
    const outfile = path.join(folder, "script.mjs");
    await build({
      absWorkingDir: ROOT,
      entryPoints: [script],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      logLevel: "warning",
    });
    return outfile;
  });
