import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import { openReleaseRepository } from "../../region/release/repository.ts";
import { openSigner, readPublicKey, type Signer } from "../../region/release/signer.ts";
import { createTestHub } from "../ota/hub.ts";
import { pathOf, requirement, titled } from "../support/requirements.ts";

const run = promisify(execFile);
const missing = [requirement("softhsm"), requirement("pkcs11-tool")].find(({ available }) => !available);
const tokens = missing ?? { available: true, reason: null };
const MODULE = pathOf("softhsm") ?? "";
const PIN = "1234";

describe.skipIf(!tokens.available)(titled("a key on a token", tokens), () => {
  let place = "";

  const uri = (token = "region", id = "%c3%a9", module = MODULE): string =>
    `pkcs11:token=${token};id=${id}?module-path=${module}`;
  const tool = (...args: readonly string[]) =>
    run("pkcs11-tool", ["--module", MODULE, "--token-label", "region", "--login", "--pin", PIN, ...args]);

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "hemhub-token-"));
    await mkdir(join(place, "tokens"));
    await writeFile(join(place, "softhsm2.conf"), `directories.tokendir = ${join(place, "tokens")}\n`);
    vi.stubEnv("SOFTHSM2_CONF", join(place, "softhsm2.conf"));
    const pins = ["--pin", PIN, "--so-pin", "87654321"];
    await run("softhsm2-util", ["--init-token", "--free", "--label", "region", ...pins]);
    await tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "c3a9");
    await tool("--keypairgen", "--key-type", "rsa:2048", "--id", "02");
  }, 30_000);
  afterEach(() => vi.stubEnv("HEMHUB_PKCS11_PIN", PIN));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(place, { recursive: true, force: true });
  });

  const fileSigner = async (name: string): Promise<Signer> => {
    const file = join(place, `${name}.pem`);
    await writeFile(file, generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
    return openSigner(file);
  };

  it("signs a release together with a key in a file, and a hub trusts it", async () => {
    vi.stubEnv("HEMHUB_PKCS11_PIN", PIN);
    const [onToken, inFile] = [openSigner(uri()), await fileSigner("second")];
    expect(readPublicKey(uri()).keyID).toBe(onToken.key.keyID);
    const folder = join(place, "repository");
    const repository = openReleaseRepository(folder, () => new Date());
    const role = { keys: [onToken.key, inFile.key], threshold: 2 };
    await repository.initialise({ root: role, targets: role, online: { keys: [inFile.key], threshold: 1 } });
    await writeFile(join(place, "file"), "one");
    await repository.add([{ path: "releases/one", file: join(place, "file"), custom: {} }]);
    for (const name of ["root", "targets"] as const) {
      await repository.sign(name, onToken);
      await expect(repository.publish(inFile)).rejects.toThrow(`${name} 1 has 1 of 2 signatures`);
      expect(await repository.sign(name, inFile)).toMatchObject({ signatures: 2 });
    }
    await repository.publish(inFile);
    const root = await readFile(join(folder, "metadata", "1.root.json"));
    await using hub = await createTestHub({ root, now: Date.now() as never });
    expect(await hub.target(createFolderSource(folder), "releases/one")).toMatchObject({ length: 3 });
  });

  it.each([
    [
      "a wrong PIN",
      uri(),
      "9999",
      "token region refuses the PIN in HEMHUB_PKCS11_PIN; correct it before it locks itself",
    ],
    ["no PIN", uri(), "", "token region asks for a PIN; set HEMHUB_PKCS11_PIN"],
    ["another token", uri("other"), PIN, "there is no token other; plug it in, or correct token"],
    ["another key", uri("region", "%07"), PIN, "token region has no key with id 07; correct id"],
    [
      "a key that is not of ECDSA",
      uri("region", "%02"),
      PIN,
      "token region: its key 02 is rsa; make one of ECDSA P-256 there",
    ],
    [
      "no module",
      uri("region", "%01", "/nowhere/module.so"),
      PIN,
      "the module /nowhere/module.so cannot be loaded; install the token's driver, or correct module-path",
    ],
  ])("says with %s what to do", (_, where, pin, sentence) => {
    vi.stubEnv("HEMHUB_PKCS11_PIN", pin);
    expect(() => openSigner(where).sign(Buffer.from("what"))).toThrow(new Error(`release sign: ${sentence}`));
  });

  it("says which program is missing", () => {
    vi.stubEnv("PATH", place);
    const opening = () => openSigner(uri());
    expect(opening).toThrow("the program pkcs11-tool is missing; install the Debian package opensc");
  });
});
