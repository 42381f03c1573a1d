import { afterEach, describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBroker } from "../../hardware-sim/ports/memory-region-link.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import { topicOf } from "../../protocol/topics.ts";
import { type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { HUB, type HubUnderTest, RECEIPT, startHub } from "./support/hub-under-test.ts";
import { authority, connectorTo } from "./support/tls-broker.ts";

const ECHO = topicOf(HUB, "echo");
const never = new AbortController().signal;
/** For a test that goes wrong; the clock of the hub stands still. */
const patience = (): AbortSignal => AbortSignal.timeout(30_000);
let open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  open = [];
});
const use = <T extends AsyncDisposable>(resource: T): T => {
  open.push(resource);
  return resource;
};

describe("a hub that listens to itself", () => {
  const withBroker = async (subscriptions = [RECEIPT, ECHO]) => {
    const clock = createSimulatedClock();
    const broker = createMemoryBroker();
    broker.configure({ onDelivered: ({ topic, payload }) => broker.send(topic, payload) });
    const hub = use(startHub({ clock, broker, connector: broker.connector({ subscriptions }) }));
    await hub.settle();
    return { broker, hub };
  };

  it("hears its own message, each time another one, and none of them counts as a reading", async () => {
    const { broker, hub } = await withBroker();
    expect(await hub.forwarder.echo(patience())).toBe(true);
    expect(await hub.forwarder.echo(patience())).toBe(true);
    const sent = broker.delivered.filter(({ topic }) => topic === ECHO);
    expect(new Set(sent.map(({ payload }) => Buffer.from(payload).toString())).size).toBe(2);
    expect(hub.outbox.depth()).toMatchObject({ waiting: 0, newest: null });
  });

  it("does not take what somebody else sent for its own", async () => {
    const { broker, hub } = await withBroker();
    broker.configure({ onDelivered: () => broker.send(ECHO, Buffer.from('{"schema":"echo/1","nonce":"other"}')) });
    const stop = new AbortController();
    const echo = hub.forwarder.echo(stop.signal);
    await hub.settle();
    stop.abort();
    expect(await echo).toBe(false);
  });

  it("does not wait for what was taken and lost on its way back", async () => {
    const { broker, hub } = await withBroker([RECEIPT]);
    const echo = hub.forwarder.echo(patience());
    await hub.settle();
    expect(broker.delivered.filter(({ topic }) => topic === ECHO)).toHaveLength(1);
    broker.cut();
    expect(await echo).toBe(false);
  });

  it("hears nothing where there is no link, where it is lost, and where the broker refuses", async () => {
    const { broker, hub } = await withBroker();
    const refused = { tag: "refused", reasonCode: 0x87, reason: "not authorised", scope: "topic" } as const;
    broker.configure({ onPublish: ({ topic }) => (topic === ECHO ? refused : { tag: "accepted" }) });
    expect(await hub.forwarder.echo(never)).toBe(false);
    broker.configure({ onPublish: ({ topic }) => (topic === ECHO ? "hold" : { tag: "accepted" }) });
    const echo = hub.forwarder.echo(never);
    await hub.settle();
    expect(broker.held).toHaveLength(1);
    broker.cut();
    expect(await echo).toBe(false);
    await hub.settle();
    expect(hub.forwarder.status().state).not.toBe("up");
    expect(await hub.forwarder.echo(never)).toBe(false);
  });
});

/** A hub with a link to a real broker, in the version that the broker speaks. */
const linked = async (port: number, subscriptions?: string[]): Promise<HubUnderTest> => {
  const clock = createSimulatedClock();
  const hub = use(startHub({ clock, connector: await connectorTo(port, clock, subscriptions) }));
  await until(() => hub.forwarder.status().state === "up", "the link is up");
  return hub;
};

const mosquittoThere = requirement("mosquitto");

describe.skipIf(!mosquittoThere.available)(titled("over a real Mosquitto a hub hears itself", mosquittoThere), () => {
  const mosquitto = async (): Promise<Mosquitto> => use(await startMosquitto({ authority: await authority, hub: HUB }));

  it("each time that it asks", async () => {
    const hub = await linked((await mosquitto()).port, [RECEIPT, ECHO]);
    expect(hub.forwarder.status().protocol).toBe("mqtt5");
    expect(await hub.forwarder.echo(patience())).toBe(true);
    expect(await hub.forwarder.echo(patience())).toBe(true);
  });

  it("only where it has subscribed to itself", async () => {
    const hub = await linked((await mosquitto()).port, [RECEIPT]);
    expect(await hub.forwarder.echo(patience())).toBe(false);
  });
});

it("over a broker of MQTT 3.1.1 alone a hub hears itself", async () => {
  const trusted = await authority;
  const broker = use(await createRegionBroker({ ...(await trusted.server()), ca: trusted.certificate }));
  const hub = await linked(broker.port, [RECEIPT, ECHO]);
  expect(hub.forwarder.status().protocol).toBe("mqtt3.1.1");
  expect(await hub.forwarder.echo(patience())).toBe(true);
});
