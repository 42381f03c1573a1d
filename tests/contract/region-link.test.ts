import { connectAsync } from "mqtt";
import { beforeAll, describe } from "vitest";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createMqttConnector } from "../../gateway/forward/mqtt-connector.ts";
import { createMemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { REGION_NAME } from "../../hardware-sim/region/credential-files.ts";
import { createNetwork, type Network } from "../../hardware-sim/region/network.ts";
import { HubError } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { InboundMessage, OutboundMessage, RegionConnector } from "../../protocol/ports/region-link.ts";
import { epochMs } from "../../protocol/time.ts";
import { topicOf } from "../../protocol/topics.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { requirement, titled } from "../support/requirements.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { type BrokerUnderTest, regionLinkContract, WILL } from "./region-link.ts";

const clock = createSystemClock();
let authority: CertificateAuthority;

beforeAll(async () => {
  authority = await createCertificateAuthority("contract", epochMs(Date.now()));
});

const will = (hub: HubId): OutboundMessage => ({ topic: topicOf(hub, "state"), payload: WILL, retain: true });

const mqttConnector = (network: Network, hub: HubId, subscriptions: readonly string[]): RegionConnector =>
  createMqttConnector({
    url: network.url,
    servername: "localhost",
    credentials: async () => ({ ca: [authority.certificate], ...(await authority.client(hub)) }),
    hubId: hub,
    will: () => will(hub),
    subscriptions,
    clock,
    logger: silentLogger,
  });

/** A cut of the network that is over at once: connections end, new ones come through. */
const cut = async (network: Network): Promise<void> => {
  await network.cut();
  await network.restore();
};

regionLinkContract(
  "the memory link",
  { protocol: "mqtt5", foreignPublish: "refused", foreignSubscription: "link-refused", maximumPacketSize: 4096 },
  async (): Promise<BrokerUnderTest> => {
    const own = (topic: string): boolean => topic.startsWith("hemhub/1/hub-0042/");
    const broker = createMemoryBroker({
      maximumPacketSize: 4096,
      onPublish: ({ topic }) =>
        own(topic)
          ? { tag: "accepted" }
          : { tag: "refused", reasonCode: 0x87, reason: "not authorised", scope: "topic" },
      maySubscribe: own,
    });
    return {
      connector: (hub, subscriptions) => broker.connector({ will: () => will(hub), subscriptions }),
      received: () => broker.delivered,
      send: async (topic, payload) => broker.send(topic, payload),
      cut: async () => broker.cut(),
      stop: async () => broker.refuse(new HubError("link-unreachable", "link to the region: nobody listens")),
      silence: () => broker.configure({ onPublish: () => "hold" }),
      [Symbol.asyncDispose]: async () => broker.cut(),
    };
  },
);

/** The region's side of a broker: a client with the region's certificate, and the network that hubs go through. */
const regionAt = async (port: number, protocolVersion: 4 | 5, broker: AsyncDisposable): Promise<BrokerUnderTest> => {
  const received: InboundMessage[] = [];
  const identity = await authority.client(REGION_NAME);
  const region = await connectAsync(`mqtts://localhost:${port}`, {
    ca: authority.certificate,
    cert: identity.certificate,
    key: identity.key,
    protocolVersion,
    reconnectPeriod: 0,
  });
  region.on("message", (topic, payload) => received.push({ topic, payload }));
  await region.subscribeAsync(["hemhub/1/+/reading", "hemhub/1/+/state"], { qos: 1 });
  const network = await createNetwork(() => port);
  return {
    connector: (hub, subscriptions) => mqttConnector(network, hub, subscriptions),
    received: () => received,
    send: async (topic, payload) => {
      await region.publishAsync(topic, Buffer.from(payload), { qos: 1 });
    },
    cut: () => cut(network),
    stop: () => network.cut(),
    silence: () => network.silence(),
    [Symbol.asyncDispose]: async () => {
      await network[Symbol.asyncDispose]();
      await region.endAsync(true);
      await broker[Symbol.asyncDispose]();
    },
  };
};

regionLinkContract(
  "MQTT with the embedded broker",
  { protocol: "mqtt3.1.1", foreignPublish: "link-lost", foreignSubscription: "link-refused", maximumPacketSize: null },
  async () => {
    const broker = await createRegionBroker({ ...(await authority.server()), ca: authority.certificate });
    return await regionAt(broker.port, 4, broker);
  },
);

const needed = requirement("mosquitto");

describe.skipIf(!needed.available)(titled("with an independent broker", needed), () => {
  regionLinkContract(
    "MQTT with Mosquitto",
    { protocol: "mqtt5", foreignPublish: "refused", foreignSubscription: "granted", maximumPacketSize: 8192 },
    async () => {
      const mosquitto = await startMosquitto({ authority, hub: "hub-0042", maximumPacketSize: 8192 });
      return await regionAt(mosquitto.port, 5, mosquitto);
    },
  );
});
