import type { IClientOptions } from "mqtt";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { OutboundMessage, RegionLink } from "../../protocol/ports/region-link.ts";
import { createEmptyStore } from "./empty-store.ts";
import { KEEPALIVE } from "./watchdog.ts";

export interface SessionOptions {
  readonly protocol: RegionLink["protocol"];
  readonly clientId: string;
  readonly will: OutboundMessage;
  /** Without these there is no link. */
  readonly subscriptions: readonly string[];
  /** A broker may refuse these: readings go out all the same, and `onRefused` is told. */
  readonly wishes?: readonly string[];
  readonly onRefused?: (topic: string, reasonCode: number) => void;
  readonly clock: Clock;
}

/** Largest packet the hub takes: a receipt that names 8 000 refused readings. */
export const LARGEST_INBOUND = 256 * 1024;
/** QoS 1 messages that the broker may have under way to the hub. Receipts are cumulative: few are ever needed. */
const RECEIVE_MAXIMUM = 32;
/** The client's own timer, of real time, is only a net below the connector's deadline. */
const CLIENT_CONNECT_TIMEOUT_MS = 120_000;

/**
 * Options of the MQTT client. It is used for one connection: reconnecting, queueing, resubscribing, storing and timing
 * are off, because the link machine, the outbox and the watchdog own them.
 *
 * Clean start and no session expiry: the broker forgets the hub with the connection, so that nothing old arrives and
 * nothing piles up there. A receipt that was sent meanwhile is lost, which costs one repetition: the hub sends again
 * what no receipt has settled, the region knows it by its id and answers with a receipt for all it has.
 */
export const clientOptions = (options: SessionOptions): IClientOptions => {
  const { topic, payload, retain } = options.will;
  const mqtt5 = options.protocol === "mqtt5";
  return {
    protocolVersion: mqtt5 ? 5 : 4,
    clientId: options.clientId,
    clean: true,
    keepalive: KEEPALIVE / 1000,
    reconnectPeriod: 0,
    connectTimeout: CLIENT_CONNECT_TIMEOUT_MS,
    resubscribe: false,
    queueQoSZero: false,
    outgoingStore: createEmptyStore(),
    incomingStore: createEmptyStore(),
    timerVariant: { set: () => 0, clear: () => undefined },
    // Its debug output would print payloads, which are readings.
    log: () => undefined,
    will: { topic, payload: Buffer.from(payload), qos: 1, retain },
    ...(mqtt5
      ? {
          properties: {
            sessionExpiryInterval: 0,
            receiveMaximum: RECEIVE_MAXIMUM,
            maximumPacketSize: LARGEST_INBOUND,
          },
        }
      : {}),
  };
};
