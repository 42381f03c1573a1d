import { readFile } from "node:fs/promises";
import { afterEach, expect, it } from "vitest";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import { createNetwork } from "../../hardware-sim/region/network.ts";
import { minutes } from "../../protocol/time.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { requirement, titled } from "../support/requirements.ts";
import { HUB } from "./support/hub-under-test.ts";
import { authority, connectorTo } from "./support/tls-broker.ts";

const never = new AbortController().signal;
const DAY = minutes(24 * 60);
let open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  open = [];
});
const use = <T extends AsyncDisposable>(resource: T): T => {
  open.push(resource);
  return resource;
};

/** A hub that has found a broker of 3.1.1, and the place behind which brokers can be exchanged. */
const withOldBroker = async () => {
  const clock = createSimulatedClock();
  const trusted = await authority;
  const server = await trusted.server();
  const old = use(await createRegionBroker({ ...server, ca: trusted.certificate }));
  let port = old.port;
  const network = use(await createNetwork(() => port));
  const connector = await connectorTo(network.port, clock);
  const connect = async (): Promise<string> => {
    const link = await connector.connect(never);
    const { protocol } = link;
    await link[Symbol.asyncDispose]();
    return protocol;
  };
  expect(await connect()).toBe("mqtt3.1.1");
  expect(await connect()).toBe("mqtt3.1.1");
  const moveTo = (next: number): void => {
    port = next;
  };
  return { clock, connect, moveTo, tls: { ...server, ca: trusted.certificate } };
};

it("a broker of MQTT 3.1.1 that is replaced by one of MQTT 5 alone is found at the second attempt", async () => {
  const { clock, connect, moveTo, tls } = await withOldBroker();
  // It closes the connection on 3.1.1 without a word, as a broker may.
  const next = use(await createScriptedBroker({ behaviour: wellBehaved, tls, clock }));
  moveTo(next.port);
  await expect(connect()).rejects.toMatchObject({ code: "link-unreachable" });
  expect(await connect()).toBe("mqtt5");
  expect(await connect()).toBe("mqtt5");
});

const mosquittoThere = requirement("mosquitto");

it.skipIf(!mosquittoThere.available)(
  titled("a broker that has learnt MQTT 5 is spoken to in MQTT 5 again after a day", mosquittoThere),
  async () => {
    const { clock, connect, moveTo } = await withOldBroker();
    const both = use(await startMosquitto({ authority: await authority, hub: HUB }));
    expect(await readFile(`${both.folder}/mosquitto.conf`, "utf8")).not.toContain("accept_protocol_versions");
    moveTo(both.port);
    expect(await connect()).toBe("mqtt3.1.1");
    await clock.advance(DAY);
    expect(await connect()).toBe("mqtt5");
  },
);
