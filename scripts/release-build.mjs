// `hemhub release build --counter N --out DIR`: bundle the hub, and make of it the images that `release add` lists.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildRelease } from "../region/release/build.ts";
import { bundle } from "./bundle.mjs";
import { ROOT } from "./setup.mjs";

const USE = `hemhub release build --counter N --out DIR [--version V] [--min-from N] [--hardware NAME]... [--from IMAGE]...
  --counter N      goes up with every release, also with one that brings old content back
  --version V      default: that of package.json
  --min-from N     lowest counter of a running release that it may follow; default 0
  --hardware NAME  a model that it runs on; default generic
  --from IMAGE     image of an earlier release to make a patch from`;

/** In seconds since 1970. Who builds from an archive says it by SOURCE_DATE_EPOCH (reproducible-builds.org). */
const commitTime = () => {
  const { SOURCE_DATE_EPOCH: said } = process.env;
  if (said !== undefined) return Number(said);
  try {
    return Number(execFileSync("git", ["-C", ROOT, "log", "-1", "--format=%ct"], { encoding: "utf8" }));
  } catch {
    // A release that is built from an archive of the sources has no history.
    return 0;
  }
};

const main = async () => {
  const { values } = parseArgs({
    options: {
      counter: { type: "string" },
      out: { type: "string" },
      version: { type: "string" },
      "min-from": { type: "string", default: "0" },
      hardware: { type: "string", multiple: true, default: ["generic"] },
      from: { type: "string", multiple: true, default: [] },
    },
  });
  const counter = Number(values.counter);
  if (!Number.isSafeInteger(counter) || counter < 1 || values.out === undefined) throw new Error(USE);
  const manifest = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8"));
  const place = await mkdtemp(path.join(ROOT, "dist-release-"));
  try {
    const sources = await bundle(place);
    const out = path.resolve(values.out);
    const { image, runtime, targets } = await buildRelease({
      root: ROOT,
      bundle: place,
      sources,
      version: values.version ?? manifest.version,
      counter,
      minFrom: Number(values["min-from"]),
      hardware: values.hardware,
      builtAt: commitTime(),
      earlier: values.from.map((file) => path.resolve(file)),
      out,
    });
    const relative = targets.map((target) => ({ ...target, file: path.relative(out, target.file) }));
    await writeFile(path.join(out, "built.json"), `${JSON.stringify({ targets: relative }, null, 2)}\n`);
    for (const { file, hash, length } of [image, runtime]) {
      process.stdout.write(`${path.basename(file)}: ${length} bytes, sha256 ${hash}\n`);
    }
    for (const target of targets) process.stdout.write(`target ${target.path}\n`);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
}
