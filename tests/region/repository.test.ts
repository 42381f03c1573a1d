import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import type { TrustedTarget } from "../../ota/trust/trusted-target.ts";
import { openReleaseRepository, type ReleaseRepository, type TrustSettings } from "../../region/release/repository.ts";
import { openSigner, type Signer } from "../../region/release/signer.ts";
import { createTestHub } from "../ota/hub.ts";

let place = "";
let folder = "";
let repository: ReleaseRepository;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-region-"));
  folder = join(place, "repository");
  repository = openReleaseRepository(folder, () => new Date());
});
afterEach(() => rm(place, { recursive: true, force: true }));

type Kind = "ed25519" | "ec" | "rsa";

const pemOf = (kind: Kind): string => {
  const { privateKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : kind === "ec"
        ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
        : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};

const signer = async (name: string, kind: Kind = "ed25519"): Promise<Signer> => {
  const file = join(place, `${name}.pem`);
  await writeFile(file, pemOf(kind));
  return openSigner(file);
};

interface Keys {
  readonly root: readonly Signer[];
  readonly targets: readonly Signer[];
  readonly online: Signer;
}

const makeKeys = async (): Promise<Keys> => ({
  root: [await signer("root-1"), await signer("root-2", "ec"), await signer("root-3", "rsa")],
  targets: [await signer("targets-1"), await signer("targets-2", "ec")],
  online: await signer("online"),
});

const trustOf = ({ root, targets, online }: Keys): TrustSettings => ({
  root: { keys: root.map(({ key }) => key), threshold: 2 },
  targets: { keys: targets.map(({ key }) => key), threshold: 2 },
  online: { keys: [online.key], threshold: 1 },
});

const signAll = async ({ root, targets }: Keys): Promise<void> => {
  for (const one of root.slice(0, 2)) await repository.sign("root", one);
  for (const one of targets) await repository.sign("targets", one);
};

const addFile = async (path: string, text: string): Promise<void> => {
  const file = join(place, "file");
  await writeFile(file, text);
  await repository.add([{ path, file, custom: { counter: 1 } }]);
};

/** A hub that was set up with the first root, at the machine's own time: it is that time that things are signed at. */
const look = async (path: string): Promise<TrustedTarget> => {
  const root = await readFile(join(folder, "metadata", "1.root.json"));
  await using hub = await createTestHub({ root, now: Date.now() as never });
  return await hub.target(createFolderSource(folder), path);
};

describe("a region's repository of releases", () => {
  it("is trusted by a hub once enough keys of any kind have signed", async () => {
    const keys = await makeKeys();
    await repository.initialise(trustOf(keys));
    await addFile("releases/one", "one");
    await signAll(keys);
    await repository.publish(keys.online);
    expect(await look("releases/one")).toMatchObject({ path: "releases/one", length: 3, custom: { counter: 1 } });
  });

  it("does not publish what lacks signatures, and counts each key once", async () => {
    const keys = await makeKeys();
    await repository.initialise(trustOf(keys));
    for (const one of keys.root.slice(0, 2)) await repository.sign("root", one);
    const [first] = keys.targets as [Signer, ...Signer[]];
    await repository.sign("targets", first);
    expect(await repository.sign("targets", first)).toMatchObject({ signatures: 1, threshold: 2 });
    // Keys of another role count for nothing.
    expect(await repository.sign("targets", keys.online)).toMatchObject({ signatures: 1, threshold: 2 });
    await expect(repository.publish(keys.online)).rejects.toThrow(/targets 1 has 1 of 2 signatures; sign it first/);
  });

  it("keeps what was listed, drops what was withdrawn, and asks for new signatures after each change", async () => {
    const keys = await makeKeys();
    await repository.initialise(trustOf(keys));
    await addFile("releases/one", "one");
    await addFile("releases/two", "two");
    await signAll(keys);
    await repository.publish(keys.online);
    await repository.withdraw(["releases/one"]);
    expect(await repository.drafts()).toMatchObject([{ role: "targets", version: 2, signatures: 0, threshold: 2 }]);
    for (const one of keys.targets) await repository.sign("targets", one);
    await repository.publish(keys.online);
    expect(await look("releases/two")).toMatchObject({ length: 3 });
    await expect(look("releases/one")).rejects.toMatchObject({ code: "update-unknown-target" });
  });

  it("changes its root with the old keys' signatures and the new ones', and hubs follow", async () => {
    const keys = await makeKeys();
    await repository.initialise(trustOf(keys));
    await addFile("releases/one", "one");
    await signAll(keys);
    await repository.publish(keys.online);
    const renewed: Keys = {
      ...keys,
      root: [await signer("root-4"), await signer("root-5")],
      online: await signer("online-2"),
    };
    await repository.changeTrust(trustOf(renewed));
    for (const one of renewed.root) await repository.sign("root", one);
    await expect(repository.publish(renewed.online)).rejects.toThrow(/root 2 has 0 of 2 signatures/);
    for (const one of keys.root.slice(1)) await repository.sign("root", one);
    await repository.publish(renewed.online);
    expect(await look("releases/one")).toMatchObject({ length: 3 });
  });

  it("renews what is online without any other key", async () => {
    const keys = await makeKeys();
    await repository.initialise(trustOf(keys));
    await signAll(keys);
    await repository.publish(keys.online);
    await repository.publish(keys.online);
    const { signed } = JSON.parse(await readFile(join(folder, "metadata", "timestamp.json"), "utf8"));
    expect(signed.version).toBe(2);
    expect(Date.parse(signed["x-hemhub-signed-at"])).toBeGreaterThan(0);
  });

  it("says what it is asked for and cannot do", async () => {
    const keys = await makeKeys();
    await expect(repository.sign("targets", keys.online)).rejects.toThrow(/there is no draft of targets/);
    await mkdir(folder);
    await repository.initialise(trustOf(keys));
    await signAll(keys);
    await repository.publish(keys.online);
    await expect(repository.initialise(trustOf(keys))).rejects.toThrow(/is a repository already/);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    await writeFile(join(place, "odd.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(() => openSigner(join(place, "odd.pem"))).toThrow(/secp384r1 key; use Ed25519, ECDSA P-256 or RSA/);
  });
});
