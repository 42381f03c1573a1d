import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { hubId } from "../../protocol/ids.ts";
import { type EpochMs, epochMs } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import type { RegionConfig } from "../config/hub-config.ts";
import { createAnchors } from "./anchors.ts";
import { type CredentialSource, createCredentialSource } from "./credential-source.ts";
import { createIdentityStore } from "./identity-store.ts";

type CredentialFiles = Pick<RegionConfig, "ca" | "certificate" | "key">;

const NOW = epochMs(Date.UTC(2026, 5, 15));

let folder: string;
let authority: CertificateAuthority;
let files: CredentialFiles;

const put = async (name: string, content: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

const sourceOf = (given: CredentialFiles, now: EpochMs | null): CredentialSource => {
  const anchors = createAnchors({
    hub: hubId("hub-0042"),
    configured: given.ca,
    file: join(folder, "identity", "anchors.json"),
    keys: async () => [],
    probe: async () => undefined,
    logger: silentLogger,
  });
  const identities = createIdentityStore(join(folder, "identity"), given);
  return createCredentialSource({ identities, anchors: anchors.current, now: () => now });
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-credentials-"));
  authority = await createCertificateAuthority("test authority", NOW);
  const hub = await authority.client("hub-0042", { notAfter: epochMs(Date.UTC(2026, 6, 1)) });
  files = {
    ca: [await put("ca.pem", authority.certificate)],
    certificate: await put("hub.crt", hub.certificate),
    key: await put("hub.key", hub.key),
  };
});

afterAll(() => rm(folder, { recursive: true }));

describe("reading credentials", () => {
  it("returns the PEM texts and the end of the hub's certificate", async () => {
    const credentials = await sourceOf(files, NOW).read();
    expect(credentials.ca).toHaveLength(1);
    expect(new Date(credentials.notAfter).toISOString()).toBe("2026-07-01T00:00:00.000Z");
  });

  const other = async (): Promise<string> => put("other.key", (await authority.client("other")).key);
  const locked = (): string =>
    generateKeyPairSync("ec", { namedCurve: "P-256" })
      .privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
      .toString();

  it.each<[string, () => Promise<Partial<CredentialFiles>>, RegExp]>([
    [
      "absent",
      async () => ({ certificate: join(folder, "no.crt") }),
      /^hub certificate .*no\.crt: no such file; put it there/,
    ],
    [
      "no PEM",
      async () => ({ certificate: await put("text.crt", "hello") }),
      /text\.crt: no PEM certificate in it; give/,
    ],
    [
      "damaged",
      async () => ({
        certificate: await put("bad.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
      }),
      /bad\.crt: not a certificate \(/,
    ],
    [
      "with another's key",
      async () => ({ key: await other() }),
      /^private key .*other\.key: does not belong to the certificate/,
    ],
    [
      "with a locked key",
      async () => ({ key: await put("locked.key", locked()) }),
      /locked\.key: not a readable key .*without a passphrase/,
    ],
    ["without its key", async () => ({ key: join(folder, "no.key") }), /^private key .*no\.key: no such file/],
    ["without a CA", async () => ({ ca: [join(folder, "no.pem")] }), /^CA certificate .*no\.pem: no such file/],
    ["with a CA that is a folder", async () => ({ ca: [folder] }), /^CA certificate .*: it is a folder/],
  ])("refuses a certificate %s with one sentence and the next step", async (_, changed, sentence) => {
    const reading = sourceOf({ ...files, ...(await changed()) }, NOW).read();
    await expect(reading).rejects.toMatchObject({
      code: "certificate-unreadable",
      message: expect.stringMatching(sentence),
    });
    await expect(reading).rejects.toThrow(/the hub measures and stores meanwhile and reads the file again$/);
  });

  it("refuses an expired one and one that is not valid yet, but only by a clock that is trusted", async () => {
    await expect(sourceOf(files, epochMs(Date.UTC(2026, 6, 2))).read()).rejects.toThrow(
      /hub\.crt: expired at 2026-07-01T00:00:00\.000Z; renew/,
    );
    await expect(sourceOf(files, epochMs(Date.UTC(2020, 0, 1))).read()).rejects.toThrow(
      /is valid only from .*; check the clock/,
    );
    await expect(sourceOf(files, null).read()).resolves.toMatchObject({ ca: [authority.certificate] });
  });
});

describe("a credential source", () => {
  const END = epochMs(Date.UTC(2026, 6, 1));

  it("tells the end also of a certificate that cannot be used", async () => {
    const usable = sourceOf(files, NOW);
    expect(usable.notAfter()).toBeNull();
    expect(await usable.view()).toEqual({ notAfter: END, trouble: null });
    expect(usable.notAfter()).toBe(END);
    const expired = sourceOf(files, epochMs(END + 1000));
    expect(await expired.view()).toMatchObject({ notAfter: END, trouble: expect.stringContaining("expired") });
    await expect(expired.read()).rejects.toMatchObject({ code: "certificate-unreadable" });
    const absent = sourceOf({ ...files, certificate: "/no" }, NOW);
    expect(await absent.view()).toMatchObject({ notAfter: null, trouble: expect.stringContaining("no such file") });
  });

  it("uses a renewed certificate without a restart", async () => {
    const own = { ...files, certificate: join(folder, "renewed.crt"), key: join(folder, "renewed.key") };
    const source = sourceOf(own, NOW);
    await expect(source.read()).rejects.toThrow(/renewed\.crt: no such file/);
    const renewed = await authority.client("hub-0042");
    await put("renewed.crt", renewed.certificate);
    await put("renewed.key", renewed.key);
    await expect(source.read()).resolves.toMatchObject({ certificate: renewed.certificate });
  });
});
