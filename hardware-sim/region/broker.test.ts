import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hubId } from "../../protocol/ids.ts";
import { encodeMessage, parseReceipt, type Receipt } from "../../protocol/messages.ts";
import { epochMs } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { type BrokerEvent, createRegionBroker, type RegionBroker } from "./broker.ts";
import { type CertificateAuthority, createCertificateAuthority, type Identity } from "./certificates.ts";
import { createRegionClient } from "./client.ts";
import { writeCredentials } from "./credential-files.ts";
import { exampleReading } from "./example-reading.ts";
import { createNetwork } from "./network.ts";
import { createRegionReceiver, type RegionReceiver } from "./receiver.ts";

const HUB = "hub-0042";

let authority: CertificateAuthority;
let receiver: RegionReceiver;
let broker: RegionBroker;
let hub: Identity;
let events: BrokerEvent[];
let clients: MqttClient[];

beforeEach(async () => {
  events = [];
  clients = [];
  authority = await createCertificateAuthority("test", epochMs(Date.now()));
  receiver = createRegionReceiver({ clock: createRealClock() });
  hub = await authority.client(HUB);
  const server = await authority.server();
  broker = await createRegionBroker({
    ...server,
    ca: authority.certificate,
    receiver,
    observe: (event) => events.push(event),
  });
});

afterEach(async () => {
  for (const client of clients) await client.endAsync(true);
  await broker[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const dial = async (identity: Identity, options: IClientOptions = {}, url = broker.url): Promise<MqttClient> => {
  const client = await connectAsync(
    url,
    {
      ca: authority.certificate,
      cert: identity.certificate,
      key: identity.key,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...options,
    },
    false,
  );
  client.on("error", () => undefined);
  clients.push(client);
  return client;
};

const receiptsOf = async (client: MqttClient): Promise<Receipt[]> => {
  const receipts: Receipt[] = [];
  client.on("message", (_topic, payload) => receipts.push(parseReceipt(payload)));
  await client.subscribeAsync(`hemhub/1/${HUB}/receipt`, { qos: 1 });
  return receipts;
};

const publish = (client: MqttClient, numbers: readonly number[], id = HUB): Promise<unknown> =>
  client.publishAsync(
    `hemhub/1/${id}/reading`,
    Buffer.from(encodeMessage({ series: "0123456789ab", batch: numbers.map((one) => exampleReading(id, one)) })),
    { qos: 1 },
  );

describe("embedded region behind TLS", () => {
  it("takes readings of a hub and sends the receipt to that hub", async () => {
    const client = await dial(hub);
    const receipts = await receiptsOf(client);
    await publish(client, [1, 2]);
    await until(() => receipts.length > 0, "the receipt came");
    expect(receipts).toEqual([{ series: "0123456789ab", through: 2, refused: [], missing: [] }]);
    expect(broker.clients).toEqual([HUB]);
  });

  it("closes the connection of a hub that publishes below another one's id", async () => {
    const client = await dial(hub);
    // mqtt.js never settles this one: the connection goes while it is on its way.
    void publish(client, [1], "hub-0043").catch(() => undefined);
    await until(() => !client.connected, "the connection was closed");
    expect(receiver.hub(hubId("hub-0043"))).toBeNull();
    expect(events).toContainEqual({ tag: "turned-away", reason: `${HUB} may not use hemhub/1/hub-0043/reading` });
  });

  it.each(["hemhub/1/hub-0043/receipt", "hemhub/1/+/receipt", "#", "hemhub/1/#", `hemhub/1/${HUB}`, "$SYS/#"])(
    "refuses a hub the subscription %s",
    async (filter) => {
      const client = await dial(hub);
      await expect(client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow();
    },
  );

  it("allows a hub every topic below its own id", async () => {
    const client = await dial(hub);
    const granted = await client.subscribeAsync([`hemhub/1/${HUB}/#`, `hemhub/1/${HUB}/+`], { qos: 1 });
    expect(granted.map((one) => one.qos)).toEqual([1, 1]);
  });

  it("turns away who has no certificate, one of another authority, an expired one, or a name that is no id", async () => {
    const foreign = await (await createCertificateAuthority("test", epochMs(Date.now()))).client(HUB);
    const expired = await authority.client(HUB, { notAfter: epochMs(Date.now() - 1000) });
    const early = await authority.client(HUB, { notBefore: epochMs(Date.now() + 60_000) });
    const named = await authority.client("hub 42");
    for (const identity of [{ certificate: "", key: "" }, foreign, expired, early, named]) {
      const options = identity.key === "" ? { cert: undefined as never, key: undefined as never } : {};
      await expect(dial(identity, options)).rejects.toThrow();
    }
    expect(broker.clients).toEqual([]);
  });

  it("is refused by a client when its own certificate is expired, has another name or another authority", async () => {
    const now = Date.now();
    const other = await createCertificateAuthority("other", epochMs(now));
    const wrong = [
      [await authority.server({ notAfter: epochMs(now - 1000) }), /expired/],
      [await authority.server({ names: ["region.example"] }), /does not match|altnames/i],
      [await other.server(), /signature|self-signed|unable to/i],
    ] as const;
    for (const [server, message] of wrong) {
      await using bad = await createRegionBroker({ ...server, ca: authority.certificate });
      await expect(dial(hub, {}, bad.url)).rejects.toThrow(message);
    }
  });

  it("refuses MQTT 5 in the words of MQTT 3.1.1, so that a hub can fall back", async () => {
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const socket = connectTls({
        port: broker.port,
        host: "127.0.0.1",
        ca: authority.certificate,
        cert: hub.certificate,
        key: hub.key,
      });
      const got: Buffer[] = [];
      socket.on("data", (data) => got.push(data));
      socket.on("error", reject);
      socket.on("close", () => resolve(Buffer.concat(got)));
      // CONNECT, MQTT version 5, clean start, keep-alive 60, no properties, client id "a" (MQTT 5, 3.1).
      socket.write(Buffer.from("100e00044d5154540502003c00000161", "hex"));
    });
    // CONNACK, no session, return code 1 (MQTT 3.1.1, 3.2.2.3).
    expect(bytes.toString("hex")).toBe("20020001");
  });

  it("gives the last will of a hub that vanishes to the receiver, and not that of one that leaves", async () => {
    const state = (online: boolean) => Buffer.from(JSON.stringify({ schema: "state/1", hubId: HUB, online }));
    const topic = `hemhub/1/${HUB}/state`;
    const client = await dial(hub, { will: { topic, payload: state(false), qos: 1, retain: true } });
    await client.publishAsync(topic, state(true), { qos: 1, retain: true });
    await until(() => receiver.hub(hubId(HUB))?.state?.online === true, "birth");
    broker.dropConnections();
    await until(() => receiver.hub(hubId(HUB))?.state?.online === false, "last will");
  });

  it("comes back on the same port after a stop, and the receiver still knows what it has", async () => {
    const client = await dial(hub);
    await publish(client, [1]);
    const { port } = broker;
    await broker.stop();
    expect(broker.running).toBe(false);
    await expect(dial(hub)).rejects.toThrow();
    await broker.start();
    expect(broker.port).toBe(port);
    const again = await dial(hub);
    const receipts = await receiptsOf(again);
    await publish(again, [1, 2]);
    await until(() => receipts.at(-1)?.through === 2, "receipt through 2");
    expect(receiver.counts()).toMatchObject({ accepted: 2, duplicatesReceived: 1, duplicatesInEffect: 0 });
  });
});

describe("embedded region in trouble", () => {
  it("stops although somebody is in the middle of a handshake", async () => {
    const socket = connectTcp(broker.port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    await broker.stop();
    expect(broker.running).toBe(false);
  });
});

describe("network between hub and region", () => {
  it("passes bytes, ends connections when cut, refuses while cut, and comes back on its port", async () => {
    await using network = await createNetwork(() => broker.port);
    const { url } = network;
    const client = await dial(hub, {}, url);
    await publish(client, [1]);
    await network.cut();
    await until(() => !client.connected, "the connection ended");
    await expect(dial(hub, {}, url)).rejects.toThrow(/ECONNREFUSED|Couldn't connect/);
    await network.restore();
    await publish(await dial(hub, {}, url), [2]);
    expect(receiver.counts().accepted).toBe(2);
  });

  it("holds everything while silent and lets it go on afterwards", async () => {
    await using network = await createNetwork(() => broker.port);
    const client = await dial(hub, {}, network.url);
    network.silence();
    const published = publish(client, [1]);
    const second = dial(await authority.client("hub-0043"), {}, network.url);
    await until(() => client.connected && network.state === "silent", "silence");
    expect(receiver.counts().accepted).toBe(0);
    await network.restore();
    await Promise.all([published, second]);
    expect(receiver.counts().accepted).toBe(1);
  });
});

describe("credentials", () => {
  it("lie in files that only their owner can read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-credentials-"));
    try {
      const files = await writeCredentials(authority, join(folder, "tls"), HUB);
      const paths = [files.ca, ...[files.server, files.region, files.hub].flatMap((one) => [one.certificate, one.key])];
      expect(paths).toHaveLength(7);
      for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(files.folder)).mode & 0o777).toBe(0o700);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("region client on a broker of its own", () => {
  it("takes readings and answers them, also after the broker was away, and says so when it cannot start", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-credentials-"));
    try {
      const files = await writeCredentials(authority, folder, HUB);
      await using outside = await createRegionBroker({ ...(await authority.server()), ca: authority.certificate });
      const options = { url: outside.url, ca: files.ca, ...files.region, receiver, protocolVersion: 4 } as const;
      await using region = await createRegionClient(options);
      const client = await dial(hub, {}, outside.url);
      const receipts = await receiptsOf(client);
      await publish(client, [1]);
      await until(() => receipts.at(-1)?.through === 1, "receipt through 1");
      await outside.stop();
      await until(() => !region.connected, "the region noticed");
      await expect(createRegionClient(options)).rejects.toThrow();
      await outside.start();
      await until(() => region.connected, "the region is back");
      const again = await dial(hub, {}, outside.url);
      const later = await receiptsOf(again);
      await until(async () => {
        await publish(again, [2]);
        return later.at(-1)?.through === 2;
      }, "receipt through 2");
      expect(receiver.counts()).toMatchObject({ accepted: 2, duplicatesInEffect: 0 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
