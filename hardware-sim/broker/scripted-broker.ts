import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import mqtt, { type IPublishPacket, type Packet } from "mqtt-packet";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { Behaviour, ConnectReaction } from "./behaviour.ts";

export interface ScriptedBrokerOptions {
  readonly behaviour: Behaviour;
  /** PEM of the broker's own certificate and key, and of the authority of the hubs. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly ca: string };
  readonly clock: Clock;
  /** Address to listen on; 127.0.0.1 where it is left out. */
  readonly host?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  /** Called for each message that the broker delivers, before it acknowledges it. */
  readonly onDelivered?: (topic: string, payload: Uint8Array) => void;
}

/** An MQTT 5 broker, on a loopback port unless told otherwise, over TLS with client certificates, that misbehaves as told. */
export interface ScriptedBroker extends AsyncDisposable {
  readonly port: number;
  /** CONNECT packets seen. */
  readonly connects: number;
  /** PUBLISH packets seen. */
  readonly publishes: number;
  /** Most QoS 1 messages that were seen in flight at once. */
  readonly mostInFlight: number;
  readonly openConnections: number;
  /** PINGREQ packets seen. */
  readonly pings: number;
  /** PUBACKs that are kept back. */
  readonly held: number;
  behave(behaviour: Behaviour): void;
  /** Send a message to every connected hub, QoS 1. */
  send(topic: string, payload: Uint8Array): void;
  /** Send the PUBACKs that were kept back, the last one first. */
  release(): void;
  /** Cut all connections without a goodbye. */
  cut(): void;
}

const RECEIVE_MAXIMUM_EXCEEDED = 0x93;
const TRICKLE_EVERY = millis(1000);
/** CONNACK, remaining length 127, no flags, success, 120 bytes of properties that never come whole. */
const ENDLESS_CONNACK = Uint8Array.of(0x20, 0x7f, 0x00, 0x00, 0x78);
const USER_PROPERTY = 0x26;

type Generatable = Parameters<typeof mqtt.generate>[0];

export const createScriptedBroker = async (options: ScriptedBrokerOptions): Promise<ScriptedBroker> => {
  const { clock, onDelivered } = options;
  let { behaviour } = options;
  let connects = 0;
  let publishes = 0;
  let mostInFlight = 0;
  let lastId = 0;
  let pings = 0;
  let held: (() => void)[] = [];
  const stopping = new AbortController();
  const sockets = new Set<TLSSocket>();

  const write = (socket: TLSSocket, packet: Generatable): void => {
    if (socket.writable) socket.write(mqtt.generate(packet, { protocolVersion: 5 }));
  };

  const drip = async (socket: TLSSocket): Promise<void> => {
    for (let i = 0; socket.writable && !stopping.signal.aborted; i++) {
      socket.write(Uint8Array.of(ENDLESS_CONNACK[i] ?? USER_PROPERTY));
      await clock.sleep(TRICKLE_EVERY, stopping.signal);
    }
  };

  const answerConnect = (socket: TLSSocket, reaction: ConnectReaction): void => {
    switch (reaction.tag) {
      case "connack": {
        const { reasonCode, properties, sessionPresent = false } = reaction;
        write(socket, { cmd: "connack", sessionPresent, reasonCode, ...(properties ? { properties } : {}) });
        if (reasonCode !== 0) socket.end();
        return;
      }
      case "bytes":
        socket.write(reaction.bytes);
        return;
      case "close":
        socket.destroy();
        return;
      case "trickle":
        // It ends with the broker: the only rejection is the end of the sleep.
        void drip(socket).catch(() => undefined);
        return;
      case "silence":
        return;
    }
  };

  const onPublish = (socket: TLSSocket, packet: IPublishPacket): void => {
    publishes += 1;
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const reaction = behaviour.onPublish({ topic: packet.topic, payload, count: publishes });
    const deliver = (): void => onDelivered?.(packet.topic, payload);
    const puback = (reasonCode: number, id = packet.messageId ?? 0): void => {
      // mqtt-packet refuses to make a PUBACK with a reason that has no place there.
      if (socket.writable) socket.write(Uint8Array.of(0x40, 0x03, id >> 8, id & 0xff, reasonCode));
    };
    switch (reaction.tag) {
      case "puback":
        if (reaction.reasonCode < 0x80) deliver();
        puback(reaction.reasonCode);
        return;
      case "hold":
        deliver();
        held.push(() => puback(0));
        return;
      case "pubacks":
        deliver();
        for (const id of reaction.ids(packet.messageId ?? 0)) puback(0, id);
        return;
      case "deliver":
        deliver();
        return;
      case "deliver-and-cut":
        deliver();
        socket.destroy();
        return;
      case "disconnect": {
        const { reasonCode, serverReference } = reaction;
        const properties = serverReference === undefined ? {} : { properties: { serverReference } };
        write(socket, { cmd: "disconnect", reasonCode, ...properties });
        socket.end();
        return;
      }
      case "puback-and-bytes":
        deliver();
        puback(0);
        if (socket.writable) socket.write(reaction.bytes);
        return;
      case "nothing":
        return;
    }
  };

  const server = createServer(
    {
      cert: options.tls.certificate,
      key: options.tls.key,
      ca: options.tls.ca,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      const parser = mqtt.parser({ protocolVersion: 5 });
      const queue: IPublishPacket[] = [];
      let receiveMaximum = 65_535;

      /** One turn later, so that a second message in flight is seen as such. */
      const later = (): void => {
        setImmediate(() => {
          const packet = queue.shift();
          if (packet !== undefined && !socket.destroyed) onPublish(socket, packet);
        });
      };

      const onPacket = (packet: Packet): void => {
        switch (packet.cmd) {
          case "connect": {
            if (packet.protocolVersion !== 5) {
              socket.destroy();
              return;
            }
            connects += 1;
            const reaction = behaviour.onConnect(connects);
            if (reaction.tag === "connack") receiveMaximum = reaction.properties?.receiveMaximum ?? receiveMaximum;
            answerConnect(socket, reaction);
            return;
          }
          case "subscribe":
            write(socket, {
              cmd: "suback",
              messageId: packet.messageId ?? 0,
              granted: packet.subscriptions.map(({ topic }) => behaviour.onSubscribe(topic)),
            } as Generatable);
            return;
          case "publish":
            queue.push(packet);
            mostInFlight = Math.max(mostInFlight, queue.length);
            if (queue.length > receiveMaximum) {
              write(socket, { cmd: "disconnect", reasonCode: RECEIVE_MAXIMUM_EXCEEDED });
              socket.end();
              return;
            }
            later();
            return;
          case "pingreq":
            pings += 1;
            if (behaviour.answersPing) write(socket, { cmd: "pingresp" });
            return;
          default:
            return;
        }
      };
      parser.on("packet", onPacket);
      parser.on("error", () => socket.destroy());
      socket.on("data", (chunk) => parser.parse(chunk));
      // A hub that goes away in mid-sentence is what this broker is for.
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    },
  );
  // A client that breaks off its handshake, or that the test gave a wrong certificate.
  server.on("tlsClientError", () => undefined);
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    get connects() {
      return connects;
    },
    get publishes() {
      return publishes;
    },
    get mostInFlight() {
      return mostInFlight;
    },
    get openConnections() {
      return sockets.size;
    },
    get pings() {
      return pings;
    },
    get held() {
      return held.length;
    },
    release: () => {
      for (const answer of held.toReversed()) answer();
      held = [];
    },
    behave: (next) => {
      behaviour = next;
    },
    send: (topic, payload) => {
      lastId = (lastId % 65_535) + 1;
      const packet: Generatable = {
        cmd: "publish",
        topic,
        payload: Buffer.from(payload),
        qos: 1,
        dup: false,
        retain: false,
        messageId: lastId,
      };
      for (const socket of sockets) write(socket, packet);
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort(new Error("broker stopped"));
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};
