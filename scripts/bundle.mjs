// The release: dist/hemhub.mjs, the certified catalogue and the example questionnaire beside it, and dist/hemhub, which starts it. Native packages stay
// outside, and a release installs exactly those (dist/package.json).
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { readyCatalogueOf } from "../drivers/catalogue/ready-catalogue.ts";
import { compiledChecks } from "./compiled-checks.mjs";
import { ROOT } from "./setup.mjs";
import { warm } from "./warm.mjs";

/** Packages with native parts, and those that load files of their own at run time. */
const OUTSIDE = ["sqlite3", "noble", "serialport", "@serialport/stream"];

/**
 * What a hub is started with, and therefore what it is tested with: a hub lives on a 512 MB board
 * (docs/decisions/2026-11-22-memory.md says what each of these is worth).
 */
const LAUNCHER = `#!/bin/sh
MALLOC_ARENA_MAX=1
MALLOC_TRIM_THRESHOLD_=131072
export MALLOC_ARENA_MAX MALLOC_TRIM_THRESHOLD_
if [ -d "$(dirname "$0")/compile-cache" ]; then
  NODE_COMPILE_CACHE="$(dirname "$0")/compile-cache"
  export NODE_COMPILE_CACHE
fi
exec node --optimize-for-size --max-semi-space-size=1 --max-old-space-size=96 "$(dirname "$0")/hemhub.mjs" "$@"
`;

/**
 * The hub opens its own socket and makes the client on it. The package's front would bring WebSockets, SOCKS and HTTP
 * along, a third of all that is loaded before the first reading goes out.
 */
const mqttWithoutTransports = {
  name: "mqtt-without-transports",
  setup: (build) => {
    build.onResolve({ filter: /^mqtt$/ }, () => ({ path: "mqtt", namespace: "mqtt-client" }));
    build.onLoad({ filter: /.*/, namespace: "mqtt-client" }, () => ({
      contents: 'const { default: MqttClient } = require("mqtt/lib/client");\nexport { MqttClient };\n',
      resolveDir: ROOT,
    }));
  },
};

/** Bundle into `folder` and return the sources that went in, relative to the checkout. */
export const bundle = async (folder = path.join(ROOT, "dist")) => {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { hemhub: "gateway/main.ts" },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    chunkNames: "part-[hash]",
    bundle: true,
    // Each command, radio and port in a file of its own, which is loaded when it is needed.
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: OUTSIDE,
    plugins: [compiledChecks, mqttWithoutTransports],
    // The source text of a running program stays in memory: 1.1 MB instead of 2.3. Names stay, for stack traces.
    minify: true,
    keepNames: true,
    metafile: true,
    legalComments: "linked",
    // CommonJS dependencies inside an ES module still call require.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: "warning",
  });
  writeFileSync(path.join(folder, "hemhub"), LAUNCHER, { mode: 0o755 });
  cpSync(path.join(ROOT, "drivers", "catalogue"), path.join(folder, "catalogue"), {
    recursive: true,
    filter: (source) => !source.endsWith(".ts"),
  });
  const ready = await readyCatalogueOf(path.join(folder, "catalogue"));
  writeFileSync(ready.file, ready.text);
  cpSync(path.join(ROOT, "gateway", "entry", "questionnaires"), path.join(folder, "questionnaires"), {
    recursive: true,
  });
  const { name, version, license, dependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const kept = Object.fromEntries(OUTSIDE.map((dependency) => [dependency, dependencies[dependency]]));
  const manifest = { name, version, license, private: true, type: "module", dependencies: kept };
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return Object.keys(metafile.inputs);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const inputs = await bundle();
  await warm(path.join(ROOT, "dist"));
  process.stdout.write(`dist/hemhub.mjs: ${inputs.length} sources\n`);
}
