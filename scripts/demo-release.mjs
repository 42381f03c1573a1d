// The region's release desk of `npm start`: keys, a signed repository, and releases of the bundle that really install.
// They leave out what takes time and shows nothing here: a runtime of their own, tight packing, differences.
//
//   demo-release.mjs [--bundle DIR] init FOLDER                           keys and an empty signed repository
//   demo-release.mjs [--bundle DIR] publish FOLDER good|broken COUNTER    prints what the region then wants (JSON)
import { generateKeyPairSync } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { constants, createZstdCompress } from "node:zlib";
import { carriedPackages } from "../region/release/package-files.ts";
import { openReleaseRepository } from "../region/release/repository.ts";
import { openSigner } from "../region/release/signer.ts";
import { makeSquashfs } from "../region/release/squashfs.ts";
import { installDebian, ROOT, TEST_PACKAGES } from "./setup.mjs";

const USE = "demo-release: use [--bundle DIR] init FOLDER, or [--bundle DIR] publish FOLDER good|broken COUNTER";
const ROLES = ["root", "targets", "online"];
/** A fraction of a second for some megabytes. */
const QUICK_LEVEL = 1;
/** Signed and whole, so that nothing finds it out but running it. */
const BROKEN = `#!/bin/sh
sleep 1
echo 'hemhub: this release is broken on purpose' >&2
exit 70
`;

const repositoryIn = (folder) => openReleaseRepository(folder, () => new Date());
const keyFile = (folder, role) => path.join(folder, "keys", `${role}.pem`);
const signerOf = (folder, role) => openSigner(keyFile(folder, role));

const publishDrafts = async (folder) => {
  const repository = repositoryIn(folder);
  for (const { role } of await repository.drafts()) await repository.sign(role, signerOf(folder, role));
  await repository.publish(signerOf(folder, "online"));
};

const initialise = async (folder) => {
  await mkdir(path.join(folder, "keys"), { recursive: true, mode: 0o700 });
  for (const role of ROLES) {
    const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    await writeFile(keyFile(folder, role), pem, { mode: 0o600 });
  }
  const trust = Object.fromEntries(ROLES.map((role) => [role, { keys: [signerOf(folder, role).key], threshold: 1 }]));
  await repositoryIn(folder).initialise(trust);
  await publishDrafts(folder);
};

const needSquashfs = async () => {
  const missing = await installDebian({ mksquashfs: TEST_PACKAGES.mksquashfs });
  if (missing.length === 0) return;
  throw new Error(`a release is made with mksquashfs: as root, run apt-get install ${missing.join(" ")}`);
};

/** What a release has, in `to`: the bundle, its packages, and what it says of itself. */
const lay = async (bundle, content, says, to) => {
  // A cache that the hub would write into is no part of an image: its files are checked at every start.
  const isPart = (source) => path.relative(bundle, source) !== "compile-cache";
  await cp(bundle, to, { recursive: true, filter: isPart });
  const manifest = path.join(bundle, "package.json");
  const { dependencies = {} } = existsSync(manifest) ? JSON.parse(await readFile(manifest, "utf8")) : {};
  for (const { files } of carriedPackages(ROOT, Object.keys(dependencies), `linux-${process.arch}`)) {
    for (const file of files) await cp(path.join(ROOT, file), path.join(to, file));
  }
  await writeFile(path.join(to, "release.json"), `${JSON.stringify(says)}\n`);
  if (content === "broken") await writeFile(path.join(to, "hemhub"), BROKEN);
  await chmod(path.join(to, "hemhub"), 0o755);
};

const publish = async (bundle, folder, content, counter) => {
  await needSquashfs();
  const name = `hemhub-${counter}-${content}`;
  const place = path.join(folder, "build", name);
  const terms = { hardware: ["generic"], arch: process.arch, counter };
  const { version } = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8"));
  const builtAt = Math.floor(Date.now() / 1000);
  await rm(place, { recursive: true, force: true });
  await lay(bundle, content, { version, ...terms, builtAt, runtime: null }, path.join(place, "content"));
  const image = await makeSquashfs(path.join(place, "content"), path.join(place, "image.sqfs"));
  const packed = path.join(place, "image.zst");
  const packing = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: QUICK_LEVEL } });
  await pipeline(createReadStream(image.file), packing, createWriteStream(packed));
  const target = `releases/${name}.sqfs.zst`;
  const about = { artefact: "release-image", image: image.hash, imageLength: image.length, runtime: null, patches: [] };
  await repositoryIn(folder).add([{ path: target, file: packed, custom: { ...terms, minFrom: 0, ...about } }]);
  await publishDrafts(folder);
  await rm(place, { recursive: true, force: true });
  return { campaign: `release-${counter}`, target, counter };
};

const main = async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { bundle: { type: "string", default: path.join(ROOT, "dist") } },
  });
  const [verb, folder, content, written] = positionals;
  const counter = Number(written);
  if (verb === "init" && folder !== undefined) return initialise(folder);
  const isContent = content === "good" || content === "broken";
  if (verb !== "publish" || !isContent || !Number.isSafeInteger(counter) || counter < 1) throw new Error(USE);
  const release = await publish(path.resolve(values.bundle), folder, content, counter);
  process.stdout.write(`${JSON.stringify(release)}\n`);
};

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
}
