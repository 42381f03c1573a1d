import { HubError, isHubError } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { OutboundMessage, RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import { type Millis, minutes, seconds } from "../../protocol/time.ts";
import { withDeadline } from "./deadline.ts";
import { openSession } from "./mqtt-session.ts";
import { type LinkProtocol, REASON } from "./reason-codes.ts";
import type { OpenSocket } from "./socket-opener.ts";
import { brokerAddress, type LinkCredentials, openTlsSocket } from "./tls-socket.ts";

export type { LinkCredentials } from "./tls-socket.ts";

export interface MqttConnectorOptions {
  /** `mqtts://host[:port]`, port 8883 where it is not given. */
  readonly url: string;
  /** Name that the broker's certificate must have, where it is not the host of the URL. */
  readonly servername?: string;
  /** Asked at each connection, so that a renewed certificate is used by the next one. */
  readonly credentials: () => Promise<LinkCredentials>;
  /** Client id, and common name of the certificate. */
  readonly hubId: HubId;
  /** Asked at each connection: a last will carries the time of its connection. */
  readonly will: () => OutboundMessage;
  /** Without these there is no link. */
  readonly subscriptions: readonly string[];
  /** A broker may refuse these; it is logged. Default none. */
  readonly wishes?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Left out: by the system's names and clock alone. */
  readonly openSocket?: OpenSocket;
}

/** From the first packet to a granted subscription; a handshake over a bad mobile link takes some seconds. */
export const CONNECT_DEADLINE = seconds(20);

/** A broker that only spoke 3.1.1 is asked again for 5 after a day: it may have been updated. */
const FORGET_VERSION_AFTER = minutes(24 * 60);

/** True where the broker said, or can have meant by closing, that it does not speak the version. */
const speaksOther = (error: unknown, closingCounts: boolean): boolean => {
  if (!isHubError(error)) return false;
  const { reasonCode, trouble, during } = error.context;
  if (reasonCode !== undefined) return during === "connect" && reasonCode === REASON.unsupportedVersion;
  return closingCounts && during === "connect" && trouble === "closed";
};

/**
 * Links over MQTT with mutual TLS, MQTT 5 first and 3.1.1 where the broker speaks only that; what worked is remembered.
 * A broker that merely closes on a version 5 CONNECT counts as one that does not speak it, unless it has before.
 * Besides the codes of the port, `connect` rejects with what `credentials` rejects with.
 */
export const createMqttConnector = (options: MqttConnectorOptions): RegionConnector => {
  const { clock, hubId, logger, openSocket = openTlsSocket } = options;
  const address = brokerAddress(options.url, options.servername ?? null);
  let known: { readonly protocol: LinkProtocol; readonly at: Millis } | null = null;

  const attempt = async (protocol: LinkProtocol, signal: AbortSignal): Promise<RegionLink> => {
    const credentials = await options.credentials();
    const socket = await openSocket(address, credentials, signal);
    const { subscriptions, wishes = [] } = options;
    const onRefused = (topic: string, reasonCode: number): void =>
      logger.warn("the broker refuses this subscription; readings go out all the same", { text: topic, reasonCode });
    const session = { protocol, clientId: hubId, will: options.will(), subscriptions, wishes, onRefused, clock };
    return await openSession(socket, session, signal);
  };

  const open = async (protocol: LinkProtocol, signal: AbortSignal): Promise<RegionLink> => {
    const late = (): HubError =>
      new HubError(
        "link-timeout",
        `link to the region: no connection within ${CONNECT_DEADLINE / 1000} s; check the network: the hub tries again`,
        { context: { trouble: "no-answer" } },
      );
    const link = await withDeadline(clock, CONNECT_DEADLINE, late, signal, (limit) => attempt(protocol, limit));
    if (known?.protocol !== protocol) known = { protocol, at: clock.elapsed() };
    return link;
  };

  return {
    connect: async (signal) => {
      if (known?.protocol === "mqtt3.1.1" && clock.elapsed() - known.at < FORGET_VERSION_AFTER) {
        try {
          return await open("mqtt3.1.1", signal);
        } catch (thrown) {
          // It may speak only version 5 by now, and close on the other without a word.
          if (speaksOther(thrown, true)) known = null;
          throw thrown;
        }
      }
      try {
        return await open("mqtt5", signal);
      } catch (thrown) {
        if (!speaksOther(thrown, known?.protocol !== "mqtt5")) throw thrown;
        logger.debug("broker does not take MQTT 5, trying 3.1.1");
        return await open("mqtt3.1.1", signal);
      }
    },
  };
};
