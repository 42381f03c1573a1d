import { readFile } from "node:fs/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { HubError } from "../../protocol/errors.ts";
import type { RegionReceiver } from "./receiver.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_EVERY_MS = 500;

export interface RegionClientOptions {
  readonly url: string;
  /** Paths of PEM files. The certificate's common name must be one that the broker lets read every hub's topics. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly receiver: RegionReceiver;
  /** 5 (default), or 4 for a broker that speaks only MQTT 3.1.1. */
  readonly protocolVersion?: 4 | 5;
}

export interface RegionClient extends AsyncDisposable {
  readonly connected: boolean;
}

/** mqtt.js leaves a publish pending when the connection goes; the receiver wants to know, and sends the next receipt. */
const publish = (client: MqttClient, topic: string, payload: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (): void => reject(new HubError("link-lost", `region: connection lost while publishing on ${topic}`));
    if (!client.connected) return fail();
    client.once("close", fail);
    client.publish(topic, Buffer.from(payload), { qos: 1 }, (error) => {
      client.off("close", fail);
      if (error) reject(error);
      else resolve();
    });
  });

/**
 * Join a receiver to an external broker, as an MQTT client of its own. Resolves when its subscriptions stand, rejects when the
 * first connection fails. Later it reconnects and subscribes again by itself, with a clean session: what hubs send
 * meanwhile they send again, because they get no receipt for it.
 */
export const createRegionClient = async (options: RegionClientOptions): Promise<RegionClient> => {
  const { receiver } = options;
  const [ca, cert, key] = await Promise.all([
    readFile(options.ca),
    readFile(options.certificate),
    readFile(options.key),
  ]);
  const client = await connectAsync(
    options.url,
    {
      ca,
      cert,
      key,
      protocolVersion: options.protocolVersion ?? 5,
      clean: true,
      clientId: `region-${process.pid}`,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: RECONNECT_EVERY_MS,
      resubscribe: true,
    },
    false,
  );
  // Each failed attempt is followed by the next; `connected` tells.
  client.on("error", () => undefined);
  client.on("message", (topic, payload) => receiver.receive(topic, payload));
  await client.subscribeAsync([...receiver.filters], { qos: 1 });
  const attachment = receiver.attach((topic, payload) => publish(client, topic, payload));
  return {
    get connected() {
      return client.connected;
    },
    [Symbol.asyncDispose]: async () => {
      attachment[Symbol.dispose]();
      await client.endAsync(true);
    },
  };
};
