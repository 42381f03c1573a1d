import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Packages that compile or fetch native parts when they are installed, and are not loaded by a running hub. */
const BUILD_ONLY: ReadonlySet<string> = new Set([
  "node-addon-api",
  "node-gyp",
  "patch-package",
  "prebuild-install",
  "tar",
  "usb",
]);

/** What a running program reads of a package; sources, documents and types stay behind. */
const KEPT = /(\.(c?js|mjs|json|node)|^licen[sc]e[^/]*)$/i;
const LEFT_OUT: ReadonlySet<string> = new Set([
  "test",
  "tests",
  "example",
  "examples",
  "docs",
  ".github",
  "node_modules",
]);

/** One installed package that a release carries. */
export interface CarriedPackage {
  readonly name: string;
  readonly version: string;
  /** Folder, relative to the checkout: `node_modules/x`, or nested below another. */
  readonly folder: string;
  /** Files, relative to the checkout, sorted. */
  readonly files: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;

/** Where Node finds a package from a folder (nodejs.org/api/modules.html, "Loading from node_modules folders"). */
const resolved = (root: string, from: string, name: string): string | null => {
  for (let at = from; ; at = path.dirname(at)) {
    const folder = path.join(at, "node_modules", name);
    if (existsSync(path.join(folder, "package.json"))) return folder;
    if (at === root) return null;
  }
};

const isForHere = (file: string, platform: string): boolean => {
  const prebuilt = /\/prebuilds\/([^/]+)\//.exec(file);
  if (prebuilt !== null) return prebuilt[1] === platform;
  // Of what was compiled here, the result and not its steps.
  return !file.includes("/build/") || /\/build\/Release\/[^/]+\.node$/.test(file);
};

const filesOf = (root: string, folder: string, platform: string): readonly string[] => {
  const found: string[] = [];
  const visit = (at: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const file = path.join(at, entry.name);
      if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) visit(file);
      if (entry.isFile() && KEPT.test(entry.name) && isForHere(file, platform)) found.push(path.relative(root, file));
    }
  };
  visit(folder);
  return found.toSorted();
};

/**
 * The packages that a release carries beside its bundle: `names` and all that they need at run time on `platform`
 * (`linux-arm64`), as they are installed in the checkout at `root`. Throws where one is not installed.
 */
export const carriedPackages = (
  root: string,
  names: readonly string[],
  platform: string,
): readonly CarriedPackage[] => {
  const carried = new Map<string, CarriedPackage>();
  const add = (name: string, from: string, isOptional: boolean): void => {
    if (BUILD_ONLY.has(name)) return;
    const folder = resolved(root, from, name);
    if (folder === null && isOptional) return;
    if (folder === null) throw new Error(`release build: package ${name} is not installed; run npm install first`);
    const relative = path.relative(root, folder);
    if (carried.has(relative)) return;
    const manifest = manifestOf(folder);
    const { version, dependencies = {}, optionalDependencies = {} } = manifest;
    carried.set(relative, { name: manifest.name, version, folder: relative, files: filesOf(root, folder, platform) });
    for (const needed of Object.keys(dependencies)) add(needed, folder, false);
    for (const needed of Object.keys(optionalDependencies)) add(needed, folder, true);
  };
  for (const name of names) add(name, root, false);
  return [...carried.values()].toSorted((a, b) => (a.folder < b.folder ? -1 : 1));
};
