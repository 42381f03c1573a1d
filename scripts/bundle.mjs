// The release as one file: dist/hemhub.mjs, with the certified catalogue beside it. Native packages stay outside, and a
// release installs exactly those (dist/package.json).
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { ROOT } from "./setup.mjs";

/** Packages with native parts, and those that load files of their own at run time. */
const OUTSIDE = ["sqlite3", "noble", "serialport", "@serialport/stream"];

/** Bundle into `folder` and return the sources that went in, relative to the checkout. */
export const bundle = async (folder = path.join(ROOT, "dist")) => {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["gateway/main.ts"],
    outfile: path.join(folder, "hemhub.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: OUTSIDE,
    metafile: true,
    legalComments: "linked",
    // CommonJS dependencies inside an ES module still call require.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: "warning",
  });
  cpSync(path.join(ROOT, "drivers", "catalogue"), path.join(folder, "catalogue"), {
    recursive: true,
    filter: (source) => !source.endsWith(".ts"),
  });
  const { name, version, license, dependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const kept = Object.fromEntries(OUTSIDE.map((dependency) => [dependency, dependencies[dependency]]));
  const manifest = { name, version, license, private: true, type: "module", dependencies: kept };
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return Object.keys(metafile.inputs);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const inputs = await bundle();
  process.stdout.write(`dist/hemhub.mjs: ${inputs.length} sources\n`);
}
