import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createSystemClock } from "../../../gateway/clock/system-clock.ts";
import { createMqttConnector, type LinkCredentials } from "../../../gateway/forward/mqtt-connector.ts";
import type { OpenSocket } from "../../../gateway/forward/socket-opener.ts";
import { HubError } from "../../../protocol/errors.ts";
import { hubId } from "../../../protocol/ids.ts";
import type { RegionConnector } from "../../../protocol/ports/region-link.ts";
import { topicOf } from "../../../protocol/topics.ts";
import { silentLogger } from "../../support/test-loggers.ts";

export const HUB = hubId("hub-0042");
export const DAY = 86_400_000;
export const never = new AbortController().signal;

/** Connections of a hub to 127.0.0.1 under the name localhost. */
export const connectorTo = (
  port: number,
  credentials: () => Promise<LinkCredentials>,
  openSocket?: OpenSocket,
): RegionConnector =>
  createMqttConnector({
    url: `mqtts://localhost:${port}`,
    credentials,
    hubId: HUB,
    will: () => ({ topic: topicOf(HUB, "state"), payload: new Uint8Array(), retain: true }),
    subscriptions: [topicOf(HUB, "receipt")],
    clock: createSystemClock(),
    logger: silentLogger,
    ...(openSocket === undefined ? {} : { openSocket }),
  });

/** `connected`, or why not: `<trouble>: <sentence>`. */
export const outcomeOf = async (connector: RegionConnector): Promise<string> => {
  try {
    await using _link = await connector.connect(never);
    return "connected";
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    return `${String(thrown.context.trouble)}: ${thrown.message}`;
  }
};

export const portOf = async (server: Server): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
};
