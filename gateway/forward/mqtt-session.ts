import type { Duplex } from "node:stream";
import { MqttClient, type Packet } from "mqtt";
import { HubError, isHubError, messageOf } from "../../protocol/errors.ts";
import { CONTENT_TYPE } from "../../protocol/messages.ts";
import type { OutboundMessage, PublishOutcome, RegionLink } from "../../protocol/ports/region-link.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { clientOptions, LARGEST_INBOUND, type SessionOptions } from "./client-options.ts";
import { explainLinkError } from "./explain-link-error.ts";
import { guardedStream } from "./guarded-stream.ts";
import { createInboundGuard } from "./inbound-guard.ts";
import { createIncomingQueue } from "./incoming-queue.ts";
import { lost, lostBy, lostByGuard, notOpened } from "./link-endings.ts";
import { type BrokerLimits, limitsOf, publishPacketSize } from "./mqtt-limits.ts";
import { connackReason, disconnection, outcomeOf, REASON, refusal } from "./reason-codes.ts";
import { KEEPALIVE, startWatchdog, type Watchdog } from "./watchdog.ts";

/** How long an orderly goodbye may take before the socket is cut. */
const GOODBYE = millis(1000);

interface Flight {
  readonly sentAt: Millis;
  settle(outcome: PublishOutcome): void;
  fail(error: unknown): void;
}

/**
 * Speak MQTT over an open socket: CONNECT, subscribe, and hand out the link. Rejects with `link-refused`, an explained
 * error, or the signal's reason; the socket is closed then. Packets of any content end the link at worst.
 */
export const openSession = async (
  socket: Duplex,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<RegionLink> => {
  const { clock, protocol } = options;
  const mqtt5 = protocol === "mqtt5";
  const gone = new AbortController();
  const closed = Promise.withResolvers<void>();
  const connected = Promise.withResolvers<BrokerLimits>();
  const incoming = createIncomingQueue();
  const guard = createInboundGuard(protocol, LARGEST_INBOUND);
  const flights = new Map<number, Flight>();
  let watchdog: Watchdog | null = null;
  let lastSentId = 0;

  /** The one end of this connection, whatever causes it; the first cause counts. */
  const end = (error: unknown): void => {
    if (gone.signal.aborted) return;
    connected.reject(error);
    gone.abort(lostBy(error));
    for (const flight of flights.values()) flight.fail(isHubError(error, "link-timeout") ? error : gone.signal.reason);
    flights.clear();
    incoming.end();
  };
  const cut = (error: unknown): void => {
    end(error);
    socket.destroy();
  };

  const stream = guardedStream(socket, {
    guard,
    onReceived: () => watchdog?.received(),
    onFinding: (finding) => cut(lostByGuard(finding)),
  });
  socket.on("error", (error) => cut(explainLinkError(error)));
  socket.once("close", () => {
    end(lost("the broker closed the connection", "closed"));
    closed.resolve();
  });

  const onPacket = (packet: Packet): void => {
    if (packet.cmd === "connack") {
      const reason = connackReason((mqtt5 ? packet.reasonCode : undefined) ?? packet.returnCode ?? 0);
      if (reason !== 0) cut(refusal("connect", reason));
    } else if (packet.cmd === "puback") {
      watchdog?.acknowledged();
      const flight = flights.get(packet.messageId ?? 0);
      flights.delete(packet.messageId ?? 0);
      // The client's own callback cannot tell 0x10 from success, and a closed socket leaves it waiting for ever.
      flight?.settle(outcomeOf(packet.reasonCode ?? 0));
    } else if (packet.cmd === "disconnect") {
      cut(disconnection(packet.reasonCode ?? 0));
    }
  };

  const onClientError = (error: Error): void => {
    const puback = guard.lastPuback;
    if (/^Invalid pub(ack|rec) reason code/.test(error.message) && puback?.reasonCode === REASON.tooLarge) {
      // 0x95 has no place in a PUBACK (MQTT 5.0 table 3-4) and some brokers send it all the same; it names the message.
      flights.get(puback.messageId)?.settle(outcomeOf(puback.reasonCode));
      flights.delete(puback.messageId);
    }
    const known = "code" in error && typeof error.code === "string";
    cut(known ? explainLinkError(error) : lost(`the broker broke the protocol: ${messageOf(error)}`, "protocol"));
  };

  const client = new MqttClient(() => stream, clientOptions(options));
  client.on("error", onClientError);
  client.on("packetreceive", onPacket);
  client.on("packetsend", (packet) => {
    watchdog?.sent();
    if (packet.cmd === "publish") lastSentId = packet.messageId ?? 0;
  });
  client.on("message", (topic, payload) => {
    if (!incoming.push({ topic, payload })) cut(lost("the broker floods the hub with messages", "hostile-packet"));
  });
  client.on("connect", (connack) => connected.resolve(limitsOf(connack)));

  const onAbort = (): void => cut(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();

  const subscribe = async (): Promise<void> => {
    const { subscriptions, wishes = [], onRefused } = options;
    const topics = [...subscriptions, ...wishes];
    if (topics.length === 0) return;
    const granted = Promise.withResolvers<void>();
    gone.signal.addEventListener("abort", () => granted.reject(gone.signal.reason), { once: true });
    client.subscribe(topics, { qos: 1 }, (error, _subscriptions, suback) => {
      // In the order of the topics (MQTT 5.0, 3.9.3).
      const codes = suback?.granted.map(Number) ?? [];
      const refused = codes.slice(0, subscriptions.length).find((code) => code >= 0x80);
      if (refused !== undefined) return granted.reject(refusal("subscribe", refused));
      if (error && codes.length === 0) return granted.reject(explainLinkError(error));
      for (const [i, topic] of wishes.entries()) {
        const code = codes[subscriptions.length + i] ?? 0;
        if (code >= 0x80) onRefused?.(topic, code);
      }
      granted.resolve();
    });
    await granted.promise;
  };

  const close = async (): Promise<void> => {
    if (gone.signal.aborted) return closed.promise;
    const unfinished = [...flights.keys()];
    end(lost("this hub closed the connection", "closed-here"));
    // The client would wait for these before it says goodbye, and without a goodbye the broker publishes the will.
    for (const id of unfinished) client.removeOutgoingMessage(id);
    client.end(false);
    const timer = new AbortController();
    const late = clock.sleep(GOODBYE, timer.signal).then(
      () => socket.destroy(),
      () => undefined,
    );
    await closed.promise;
    timer.abort();
    await late;
  };

  let limits: BrokerLimits;
  try {
    limits = await connected.promise;
    if (!limits.qos1) throw refusal("connect", REASON.noQos1);
    const keepalive = millis(Math.min(KEEPALIVE, limits.keepalive ?? KEEPALIVE));
    watchdog = startWatchdog(
      {
        clock,
        keepalive,
        sendPing: () => client.sendPing(),
        oldestUnacknowledged: () => flights.values().next().value?.sentAt ?? null,
        onDead: (why) =>
          cut(
            why === "silent"
              ? lost("the broker has been silent for 1.5 keepalives", "silent")
              : new HubError(
                  "link-timeout",
                  "link to the region: the broker does not acknowledge; the hub connects again",
                  {
                    context: { trouble: "no-puback" },
                  },
                ),
          ),
      },
      gone.signal,
    );
    await subscribe();
  } catch (thrown) {
    cut(thrown);
    await closed.promise;
    throw signal.aborted ? signal.reason : notOpened(thrown);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }

  const publish = (message: OutboundMessage, publishSignal: AbortSignal): Promise<PublishOutcome> =>
    new Promise((resolve, reject) => {
      if (publishSignal.aborted) return reject(publishSignal.reason);
      if (gone.signal.aborted) return reject(gone.signal.reason);
      const size = publishPacketSize(message, mqtt5);
      if (limits.maximumPacketSize !== null && size > limits.maximumPacketSize) {
        return resolve({ tag: "too-large", limit: limits.maximumPacketSize });
      }
      const { topic, payload } = message;
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      client.publish(topic, bytes, {
        qos: 1,
        retain: message.retain && limits.retain,
        ...(mqtt5 ? { properties: { contentType: CONTENT_TYPE, payloadFormatIndicator: true } } : {}),
      });
      const onStop = (): void => flight.fail(publishSignal.reason);
      const flight: Flight = {
        sentAt: clock.elapsed(),
        settle: (outcome) => {
          publishSignal.removeEventListener("abort", onStop);
          resolve(outcome);
        },
        fail: (error) => {
          publishSignal.removeEventListener("abort", onStop);
          reject(error);
        },
      };
      flights.set(lastSentId, flight);
      publishSignal.addEventListener("abort", onStop, { once: true });
    });

  return {
    protocol,
    receiveMaximum: limits.receiveMaximum,
    maximumPacketSize: limits.maximumPacketSize,
    lost: gone.signal,
    incoming: incoming.messages,
    publish,
    [Symbol.asyncDispose]: close,
  };
};
