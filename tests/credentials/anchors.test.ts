import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRegionBroker, type RegionBroker } from "../../hardware-sim/region/broker.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { createEstServer } from "../../hardware-sim/region/est-server.ts";
import { createRegionSigner, type RegionSigner } from "../../hardware-sim/region/region-signer.ts";
import { epochMs } from "../../protocol/time.ts";
import { until } from "../support/until.ts";
import { type HubIdentity, openHubIdentity } from "./support/hub-identity.ts";
import { DAY, HUB, never, outcomeOf } from "./support/link.ts";

const now = epochMs(Date.now());
let former: CertificateAuthority;
let next: CertificateAuthority;
let signer: RegionSigner;
let broker: RegionBroker;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  [former, next] = [await createCertificateAuthority("former", now), await createCertificateAuthority("next", now)];
  signer = createRegionSigner();
});

const brokerOf = async (server: CertificateAuthority, clients: readonly CertificateAuthority[], port = 0) => {
  const ca = clients.map(({ certificate }) => certificate).join("");
  broker = await createRegionBroker({ ...(await server.server()), ca, port });
  open.push(broker);
};

/** The region exchanges its broker's certificate, and whom it admits, on the same address. */
const change = async (server: CertificateAuthority, clients: readonly CertificateAuthority[] = [former]) => {
  const { port } = broker;
  await broker.stop();
  await brokerOf(server, clients, port);
};

const hubWith = async (ca: readonly CertificateAuthority[], est?: string): Promise<HubIdentity> => {
  const validity = est === undefined ? {} : { notBefore: epochMs(now - 22 * DAY), notAfter: epochMs(now + 8 * DAY) };
  const hub = await openHubIdentity({
    identity: await former.client(HUB, validity),
    ca,
    brokerPort: broker.port,
    regionKey: signer.publicKey,
    ...(est === undefined ? {} : { est }),
  });
  open.push(hub);
  return hub;
};

const print = ({ certificate }: CertificateAuthority): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();

const bundle = (over: Record<string, unknown> = {}): Promise<string> =>
  signer.sign("hemhub-anchors+jws", {
    schema: "anchors/1",
    hub: HUB,
    counter: 1,
    anchors: [next.certificate],
    ...over,
  });

beforeEach(() => brokerOf(former, [former]));

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

describe("F25: when the authority changes", () => {
  it("a hub that trusts both goes from the one to the other and back, while it runs", async () => {
    const hub = await hubWith([former, next]);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(next);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(former);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });

  it("a hub that was not told refuses, and connects when the file has both, without a restart", async () => {
    const hub = await hubWith([former]);
    await change(next);
    expect(await outcomeOf(hub.parts.connector)).toMatch(/^region-certificate-unknown/);
    await writeFile(join(hub.folder, "ca-0.pem"), former.certificate + next.certificate);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });

  it("the hub's own certificate goes over to the new one, and then the old one is admitted no more", async () => {
    await change(former, [former, next]);
    const est = await createEstServer({
      authority: former,
      identity: await former.server(),
      behave: () => ({ tag: "issue", authority: next }),
    });
    open.push(est);
    const hub = await hubWith([former], est.url);
    await until(() => hub.parts.renewal.status().tag === "trying", "it is renewed");
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(former, [next]);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(former, [former]);
    expect(await outcomeOf(hub.parts.connector)).not.toBe("connected");
  });
});

describe("F25: anchors that the region signed", () => {
  it("are trusted at once, beside the configured ones, and after a restart", async () => {
    const hub = await hubWith([former]);
    expect(await hub.parts.anchors.install(await bundle(), never)).toEqual({ tag: "installed", anchors: 2 });
    expect(await hub.parts.anchors.install(await bundle(), never)).toEqual({ tag: "known" });
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(next);
    await hub.restart();
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });

  it("retire a former one only when the broker is reached without it", async () => {
    const hub = await hubWith([former]);
    const both = await bundle({ retired: [print(former)] });
    expect(await hub.parts.anchors.install(both, never)).toMatchObject({
      tag: "waiting",
      sentence: expect.stringMatching(/cannot be reached without the retired ones, so they are kept/),
    });
    expect(await hub.parts.anchors.current()).toHaveLength(2);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await change(next);
    await hub.restart();
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await until(async () => (await hub.parts.anchors.current()).length === 1, "the former one is gone");
    await change(former);
    expect(await outcomeOf(hub.parts.connector)).toMatch(/^region-certificate-unknown/);
  });

  it("never retire the last one, and leave alone what they do not name", async () => {
    const hub = await hubWith([former]);
    const nothing = await bundle({ anchors: [], retired: [print(former)] });
    expect(await hub.parts.anchors.install(nothing, never)).toMatchObject({ tag: "waiting" });
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    const third = await createCertificateAuthority("third", now);
    await hub.parts.anchors.install(await bundle({ counter: 2 }), never);
    await hub.parts.anchors.install(
      await bundle({ counter: 3, anchors: [third.certificate, former.certificate] }),
      never,
    );
    expect(await hub.parts.anchors.current()).toHaveLength(3);
  });

  it.each<[string, () => Promise<string>, string]>([
    [
      "signed by somebody else",
      () => createRegionSigner().sign("hemhub-anchors+jws", { schema: "anchors/1", hub: HUB, counter: 9, anchors: [] }),
      "signature",
    ],
    ["signed for another purpose", () => signer.sign("hemhub-time+jws", { schema: "anchors/1" }), "signature"],
    ["not signed", async () => "eyJhbGciOiJub25lIn0.e30.", "signature"],
    ["for another hub", () => bundle({ hub: "hub-0043" }), "other-hub"],
    ["without a number", () => bundle({ counter: 0 }), "malformed"],
    ["of something else than a certificate", () => bundle({ anchors: ["hello"] }), "malformed"],
    ["of no authority", async () => bundle({ anchors: [(await next.server()).certificate] }), "malformed"],
    ["that retire what they give", () => bundle({ retired: [print(next)] }), "malformed"],
    ["too many", () => bundle({ anchors: Array.from({ length: 9 }, () => next.certificate) }), "malformed"],
  ])("are refused when they are %s, and nothing changes", async (_, statement, reason) => {
    const hub = await hubWith([former]);
    expect(await hub.parts.anchors.install(await statement(), never)).toMatchObject({ tag: "refused", reason });
    expect(await hub.parts.anchors.current()).toEqual([former.certificate]);
  });

  it("are refused when they are older than those that were taken", async () => {
    const hub = await hubWith([former]);
    await hub.parts.anchors.install(await bundle({ counter: 5, anchors: [] }), never);
    expect(await hub.parts.anchors.install(await bundle({ counter: 4 }), never)).toMatchObject({
      tag: "refused",
      reason: "replayed",
    });
    await hub.restart();
    expect(await hub.parts.anchors.install(await bundle({ counter: 4 }), never)).toMatchObject({ reason: "replayed" });
  });
});
