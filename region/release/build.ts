import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { packImage } from "./pack.ts";
import { carriedPackages } from "./package-files.ts";
import { billOfMaterials, type LockedPackages } from "./sbom.ts";
import { type Image, imageOf, makeSquashfs } from "./squashfs.ts";

/** What a release image is made of, and what it says of itself. */
export interface ReleaseOptions {
  /** The checkout, with its packages installed. */
  readonly root: string;
  /** The bundle (scripts/bundle.mjs), and the sources that went in, relative to the checkout. */
  readonly bundle: string;
  readonly sources: readonly string[];
  readonly version: string;
  readonly counter: number;
  readonly minFrom: number;
  readonly hardware: readonly string[];
  /** When the sources were committed, in seconds since 1970: part of the image, so that a hub knows its age. */
  readonly builtAt: number;
  /** Image files of earlier releases to make patches from. */
  readonly earlier: readonly string[];
  readonly out: string;
}

/** A target to be signed: its file, its path in the repository and its custom fields. */
export interface BuiltTarget {
  readonly path: string;
  readonly file: string;
  readonly custom: Readonly<Record<string, unknown>>;
}

export interface BuiltRelease {
  readonly image: Image;
  readonly runtime: Image;
  readonly targets: readonly BuiltTarget[];
}

const copyTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else await copyFile(source, target);
  }
};

/** Modes differ between checkouts (umask), and would change the image. */
const setModes = async (folder: string, programs: ReadonlySet<string>): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    await chmod(file, entry.isDirectory() || programs.has(path.relative(folder, file)) ? 0o755 : 0o644);
  }
};

/** What `sha256sum --check` reads, of every file but itself. */
const writeManifest = async (folder: string): Promise<void> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const lines = files.toSorted().map(async (file) => {
    const digest = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
    return `${digest}  ./${path.relative(folder, file)}\n`;
  });
  await writeFile(path.join(folder, "manifest"), (await Promise.all(lines)).join(""));
};

/** Folders of the packages that were bundled, as the lock file names them. */
const bundledFolders = (sources: readonly string[]): readonly string[] => [
  ...new Set(sources.flatMap((source) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [])),
];

const packed = async (image: Image, base: Image | null, out: string, name: string): Promise<string> => {
  const file = path.join(out, base === null ? `${name}.sqfs.zst` : `${name}.from-${base.hash.slice(0, 16)}.zst`);
  await packImage(image.file, file, base?.file ?? null);
  return file;
};

/** Node's own build of the machine's architecture, as the checkout has it installed. */
const makeRuntime = async ({ root, out }: ReleaseOptions, arch: string): Promise<{ image: Image; version: string }> => {
  const place = await mkdtemp(path.join(tmpdir(), "hemhub-runtime-"));
  try {
    const { version } = JSON.parse(await readFile(path.join(root, "node_modules", "node", "package.json"), "utf8"));
    await mkdir(path.join(place, "bin"));
    await copyFile(path.join(root, "node_modules", "node", "bin", "node"), path.join(place, "bin", "node"));
    await setModes(place, new Set(["bin/node"]));
    return { image: await makeSquashfs(place, path.join(out, `node-${version}-${arch}.sqfs`)), version };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

const makeRelease = async (
  options: ReleaseOptions,
  arch: string,
  runtime: { image: Image; version: string },
): Promise<Image> => {
  const { root, bundle, sources, version, counter, hardware, builtAt, out } = options;
  const place = await mkdtemp(path.join(tmpdir(), "hemhub-release-"));
  try {
    await copyTree(bundle, place);
    const { dependencies } = JSON.parse(await readFile(path.join(bundle, "package.json"), "utf8"));
    const packages = carriedPackages(root, Object.keys(dependencies), `linux-${arch}`);
    for (const file of packages.flatMap(({ files }) => files)) {
      await mkdir(path.dirname(path.join(place, file)), { recursive: true });
      await copyFile(path.join(root, file), path.join(place, file));
    }
    const folders = [...new Set([...bundledFolders(sources), ...packages.map(({ folder }) => folder)])];
    const locked = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")).packages as LockedPackages;
    const about = { name: "hemhub", version, runtime: runtime.version };
    await writeFile(path.join(place, "sbom.cdx.json"), billOfMaterials(about, folders, locked));
    const says = { version, counter, arch, hardware, builtAt, runtime: runtime.image.hash };
    await writeFile(path.join(place, "release.json"), `${JSON.stringify(says, null, 2)}\n`);
    await writeFile(path.join(place, "runtime"), `${runtime.image.hash}\n`);
    await setModes(place, new Set(["hemhub"]));
    await writeManifest(place);
    await chmod(path.join(place, "manifest"), 0o644);
    return await makeSquashfs(place, path.join(out, `hemhub-${version}-${arch}.sqfs`));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/**
 * Build the images of a release and its runtime for this machine's architecture, packed, with patches from earlier
 * images, into `out`. The same checkout gives the same octets. Nothing is signed yet.
 */
export const buildRelease = async (options: ReleaseOptions): Promise<BuiltRelease> => {
  const { version, counter, minFrom, hardware, earlier, out } = options;
  const { arch } = process;
  await mkdir(out, { recursive: true });
  const runtime = await makeRuntime(options, arch);
  const image = await makeRelease(options, arch, runtime);
  const name = `hemhub-${version}-${arch}`;
  const runtimePath = `runtimes/node-${runtime.version}-${arch}.sqfs.zst`;
  const patches: { from: string; target: string; file: string }[] = [];
  for (const file of earlier) {
    const base = await imageOf(file);
    const patch = await packed(image, base, out, name);
    patches.push({ from: base.hash, target: `releases/${path.basename(patch)}`, file: patch });
  }
  const terms = { arch, hardware, counter, minFrom };
  const targets: BuiltTarget[] = [
    {
      path: `releases/${name}.sqfs.zst`,
      file: await packed(image, null, out, name),
      custom: {
        ...terms,
        artefact: "release-image",
        image: image.hash,
        imageLength: image.length,
        runtime: runtimePath,
        patches: patches.map(({ from, target }) => ({ from, target })),
      },
    },
    {
      path: runtimePath,
      file: await packed(runtime.image, null, out, `node-${runtime.version}-${arch}`),
      custom: { artefact: "runtime-image", image: runtime.image.hash, imageLength: runtime.image.length },
    },
    ...patches.map(({ target, file }) => ({ path: target, file, custom: {} })),
  ];
  return { image, runtime: runtime.image, targets };
};
