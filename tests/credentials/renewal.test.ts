import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssueOptions,
} from "../../hardware-sim/region/certificates.ts";
import { createEstServer, type EstBehaviour, type EstServer } from "../../hardware-sim/region/est-server.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type HubIdentity, openHubIdentity } from "./support/hub-identity.ts";
import { DAY, HUB, never, outcomeOf } from "./support/link.ts";

const now = epochMs(Date.now());
/** Of thirty days eight are left: less than a third. */
const DUE: IssueOptions = { notBefore: epochMs(now - 22 * DAY), notAfter: epochMs(now + 8 * DAY) };
const EXPIRED: IssueOptions = { notBefore: epochMs(now - 30 * DAY), notAfter: epochMs(now - DAY) };
const FRESH: IssueOptions = { notBefore: epochMs(now - 2 * DAY), notAfter: epochMs(now + 28 * DAY) };

let authority: CertificateAuthority;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority("authority", now);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface Scene {
  readonly hub: HubIdentity;
  readonly est: EstServer;
}

const sceneWith = async (
  validity: IssueOptions,
  behave: (request: number) => EstBehaviour = () => ({ tag: "issue" }),
  brokerPort?: number,
): Promise<Scene> => {
  const est = await createEstServer({ authority, identity: await authority.server(), behave });
  open.push(est);
  let port = brokerPort;
  if (port === undefined) {
    const broker = await createRegionBroker({ ...(await authority.server()), ca: authority.certificate });
    open.push(broker);
    port = broker.port;
  }
  const identity = await authority.client(HUB, validity);
  const hub = await openHubIdentity({ identity, ca: [authority], brokerPort: port, est: est.url });
  open.push(hub);
  return { hub, est };
};

const spkiOf = (pem: string): string =>
  createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "der" }).toString("hex");

const filesOf = async ({ folder }: HubIdentity): Promise<readonly string[]> =>
  (await readdir(join(folder, "data", "identity")).catch(() => [])).toSorted();

const renewedOf = async ({ folder }: HubIdentity): Promise<string> =>
  await readFile(join(folder, "data", "identity", "renewed.pem"), "utf8");

const statusIs = (hub: HubIdentity, tag: string): Promise<unknown> =>
  until(() => hub.parts.renewal.status().tag === tag, `the renewal is ${tag}`);

describe("F24: the hub's certificate", () => {
  it("is renewed when a third of its life is left, for a key that is made on the hub and stays there", async () => {
    const { hub, est } = await sceneWith(DUE);
    await statusIs(hub, "trying");
    expect((await hub.parts.view()).renewal).toMatch(/the broker has not accepted it yet/);
    expect(await filesOf(hub)).toEqual(["candidate.pem"]);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(await filesOf(hub)).toEqual(["renewed.pem"]);
    const renewed = await renewedOf(hub);
    expect(est.requests).toEqual([{ hub: HUB, expired: false, publicKey: spkiOf(renewed) }]);
    expect(spkiOf(await readFile(join(hub.folder, "hub.key"), "utf8"))).not.toBe(spkiOf(renewed));
    expect(new X509Certificate(renewed).validToDate.getTime()).toBeGreaterThan(now + 29 * DAY);
    expect(hub.events).toEqual(["certificate-fault recovered: the hub's certificate was renewed"]);
    expect(hub.parts.notAfter()).toBeGreaterThan(now + 29 * DAY);
    await hub.restart();
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(est.requests).toHaveLength(1);
  });

  it("is left alone before, and is asked for when the time comes", async () => {
    const { hub, est } = await sceneWith(FRESH);
    const isPlanned = async (): Promise<boolean> =>
      /^renewed from \d{4}-\d\d-\d\d$/.test((await hub.parts.view()).renewal ?? "");
    await until(isPlanned, "it is planned");
    await hub.clock.advance(minutes(17 * 24 * 60));
    await until(() => hub.clock.sleeping > 0, "it waits again");
    expect(await isPlanned()).toBe(true);
    expect(est.requests).toHaveLength(0);
    // Due after twenty of thirty days, and half of a hundredth of them later: two of them had passed at the beginning.
    await hub.clock.advance(minutes(2 * 24 * 60));
    await until(() => est.requests.length === 1, "it is asked for");
    await statusIs(hub, "trying");
  });

  it("that has expired still opens the renewal, with the old key; readings wait meanwhile", async () => {
    let reachable = false;
    const { hub, est } = await sceneWith(EXPIRED, () =>
      reachable ? { tag: "issue" } : { tag: "status", status: 503 },
    );
    await statusIs(hub, "failing");
    expect(await outcomeOf(hub.parts.connector)).toMatch(/^hub-certificate-expired: .*expired at/);
    expect(await hub.parts.view()).toMatchObject({
      trouble: expect.stringContaining("expired at"),
      renewal: expect.stringMatching(/^not renewed: .*status 503.*next attempt in/),
    });
    expect(hub.events).toEqual([expect.stringMatching(/^certificate-fault not-renewed: .*ended at.*status 503/)]);
    reachable = true;
    await hub.clock.advance(minutes(2));
    await statusIs(hub, "trying");
    expect(est.requests.every(({ expired }) => expired)).toBe(true);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });

  it.each<[string, EstBehaviour]>([
    ["fails", { tag: "status", status: 500 }],
    ["sends something else", { tag: "body", body: "PGh0bWw+" }],
    ["sends nothing", { tag: "body", body: "" }],
    ["certifies another key", { tag: "foreign-key" }],
    ["gives a certificate that ends sooner", { tag: "issue", validity: { notAfter: epochMs(now + DAY) } }],
    ["asks for patience", { tag: "later", afterS: 90 }],
    ["hangs up", { tag: "close" }],
  ])("stays as it is where the server %s, and is asked for again for the same key", async (_, behaviour) => {
    const { hub, est } = await sceneWith(DUE, (request) => (request <= 2 ? behaviour : { tag: "issue" }));
    await statusIs(hub, "failing");
    expect(await filesOf(hub)).toEqual(["request.key"]);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    await hub.restart();
    await until(() => est.requests.length === 2, "it is asked for again after the restart");
    await statusIs(hub, "failing");
    await hub.clock.advance(minutes(10));
    await statusIs(hub, "trying");
    expect(new Set(est.requests.map(({ publicKey }) => publicKey)).size).toBe(1);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(await filesOf(hub)).toEqual(["renewed.pem"]);
  });

  it("that the broker does not take gives way to the old one, and the region is told", async () => {
    const other = await createCertificateAuthority("other", now);
    const { hub, est } = await sceneWith(DUE, () => ({ tag: "issue", authority: other }));
    await statusIs(hub, "trying");
    // This broker closes without a word: it could be restarting, so it has to do it three times.
    for (let i = 0; i < 2; i++) {
      expect(await outcomeOf(hub.parts.connector)).toBe("connected");
      expect(await filesOf(hub)).toEqual(["candidate.pem"]);
    }
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(await filesOf(hub)).toEqual([]);
    expect(hub.events).toEqual([expect.stringMatching(/^certificate-fault refused: the broker refuses/)]);
    expect(hub.parts.renewal.status()).toMatchObject({ tag: "failing", nextS: 12 * 3600 });
    expect(est.requests).toHaveLength(1);
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });

  it("is not given up where the broker is only away", async () => {
    const { hub } = await sceneWith(DUE);
    await statusIs(hub, "trying");
    for (const one of open.splice(1, 1)) await one[Symbol.asyncDispose]();
    for (let i = 0; i < 4; i++) expect(await outcomeOf(hub.parts.connector)).toMatch(/^nobody-listens/);
    expect(await filesOf(hub)).toEqual(["candidate.pem"]);
    expect(hub.events).toEqual([]);
  });

  it("is shown to a broker that has the hub connected already: the link is opened again", async () => {
    let answer: EstBehaviour = { tag: "status", status: 503 };
    const { hub } = await sceneWith(DUE, () => answer);
    await statusIs(hub, "failing");
    const link = await hub.parts.connector.connect(never);
    answer = { tag: "issue" };
    await hub.clock.advance(minutes(10));
    await until(() => link.lost.aborted, "the link ends");
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(await filesOf(hub)).toEqual(["renewed.pem"]);
  });
});

const mosquitto = requirement("mosquitto");

describe.skipIf(!mosquitto.available)(titled("F24: with Mosquitto, a certificate", mosquitto), () => {
  it("that it refuses with a reason gives way at once, and one that has expired there is renewed", async () => {
    const broker = await startMosquitto({ authority, hub: HUB });
    open.push(broker);
    const other = await createCertificateAuthority("other", now);
    const { hub } = await sceneWith(DUE, () => ({ tag: "issue", authority: other }), broker.port);
    await statusIs(hub, "trying");
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
    expect(await filesOf(hub)).toEqual([]);
    expect(hub.events).toEqual([expect.stringMatching(/^certificate-fault refused: .*must admit this hub/)]);
  });

  it("that has expired by the broker's clock, not by the hub's, is renewed on its word", async () => {
    const broker = await startMosquitto({ authority, hub: HUB });
    open.push(broker);
    const est = await createEstServer({ authority, identity: await authority.server() });
    open.push(est);
    const identity = await authority.client(HUB, EXPIRED);
    const behind = epochMs(now - 28 * DAY);
    const hub = await openHubIdentity({
      identity,
      ca: [authority],
      brokerPort: broker.port,
      est: est.url,
      now: behind,
    });
    open.push(hub);
    await statusIs(hub, "idle");
    expect(await outcomeOf(hub.parts.connector)).toMatch(/^hub-certificate-expired/);
    await statusIs(hub, "trying");
    expect(await outcomeOf(hub.parts.connector)).toBe("connected");
  });
});
