import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { Aedes, type Client } from "aedes";
import { HubError } from "../../protocol/errors.ts";
import { mayUse } from "./access.ts";
import type { RegionReceiver } from "./receiver.ts";

const HOST = "127.0.0.1";
/** Names of hubs and of the region; also keeps wildcards and slashes out of the access rule. */
const COMMON_NAME = /^[A-Za-z0-9._-]{1,64}$/;

export type BrokerEvent =
  | { readonly tag: "connected"; readonly identity: string }
  | { readonly tag: "disconnected"; readonly identity: string }
  /** A handshake without, or with a bad, certificate; a client of another protocol; a breach of the access rule. */
  | { readonly tag: "turned-away"; readonly reason: string };

export interface BrokerOptions {
  /** PEM text: whom to trust, and the server's own certificate and key. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** 0 (default): any free port, which a restart keeps. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Served inside the process, without a connection of its own. */
  readonly receiver?: RegionReceiver;
  readonly observe?: (event: BrokerEvent) => void;
}

/**
 * An MQTT 3.1.1 broker behind mutual TLS on 127.0.0.1. A client is who its certificate says (common name), and uses
 * only topics that are its own (`mayUse`): a publish elsewhere closes the connection, a subscription elsewhere is
 * refused (0x80), as MQTT 3.1.1 has it. MQTT 5 is refused with return code 1, unacceptable protocol version.
 *
 * Nothing is kept on stop: sessions, retained messages and queued messages go, as with a broker without persistence.
 */
export interface RegionBroker extends AsyncDisposable {
  readonly port: number;
  /** `mqtts://127.0.0.1:<port>`. */
  readonly url: string;
  readonly running: boolean;
  /** Identities of connected clients. */
  readonly clients: readonly string[];
  /** Listen again on the same port. Does nothing while running. */
  start(): Promise<void>;
  /** Stop listening and end every connection. Does nothing while stopped. */
  stop(): Promise<void>;
  /** End every connection without a word, and go on listening. */
  dropConnections(): void;
}

interface Running {
  readonly server: Server;
  readonly aedes: Aedes;
  readonly sockets: Set<Socket>;
  readonly attachment: Disposable | null;
}

const identityOf = (client: Client): string | null => {
  const name = (client.conn as TLSSocket).getPeerCertificate().subject?.CN;
  return typeof name === "string" && COMMON_NAME.test(name) ? name : null;
};

const attachReceiver = (aedes: Aedes, receiver: RegionReceiver): Disposable => {
  for (const filter of receiver.filters) {
    aedes.subscribe(
      filter,
      (packet, done) => {
        receiver.receive(packet.topic, Buffer.from(packet.payload));
        done();
      },
      () => undefined,
    );
  }
  return receiver.attach(
    (topic, payload) =>
      new Promise((resolve, reject) => {
        if (aedes.closed) return reject(new HubError("link-lost", "region: the broker is stopped"));
        aedes.publish(
          { cmd: "publish", topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false },
          (error) => (error ? reject(error) : resolve()),
        );
      }),
  );
};

export const createRegionBroker = async (options: BrokerOptions): Promise<RegionBroker> => {
  const { observe = () => undefined } = options;
  const identities = new WeakMap<Client, string>();
  const connected = new Map<Client, string>();
  let port = options.port ?? 0;
  let running: Running | null = null;

  const turnAway = (reason: string): void => observe({ tag: "turned-away", reason });
  const wrongTopic = (client: Client | null, topic: string): Error | null => {
    if (client === null) return null;
    const identity = identities.get(client);
    if (identity !== undefined && mayUse(identity, topic)) return null;
    turnAway(`${identity ?? "a client without a name"} may not use ${topic}`);
    return new HubError("link-refused", `region: ${identity ?? "unknown"} may not use ${topic}`);
  };

  const newAedes = async (): Promise<Aedes> => {
    const aedes = await Aedes.createBroker({
      authenticate: (client, _user, _password, done) => {
        const identity = identityOf(client);
        if (identity === null) {
          turnAway("the certificate's common name is not a hub id");
          return done(null, false);
        }
        identities.set(client, identity);
        done(null, true);
      },
      authorizePublish: (client, packet, done) => done(wrongTopic(client, packet.topic)),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, wrongTopic(client, subscription.topic) === null ? subscription : null),
    });
    aedes.on("clientReady", (client) => {
      const identity = identities.get(client) ?? "";
      connected.set(client, identity);
      observe({ tag: "connected", identity });
    });
    aedes.on("clientDisconnect", (client) => {
      if (connected.delete(client)) observe({ tag: "disconnected", identity: identities.get(client) ?? "" });
    });
    aedes.on("connectionError", (_client, error) => turnAway(error.message));
    return aedes;
  };

  const start = async (): Promise<void> => {
    if (running !== null) return;
    const aedes = await newAedes();
    const sockets = new Set<Socket>();
    const server = createServer(
      {
        ca: options.ca,
        cert: options.certificate,
        key: options.key,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: "TLSv1.2",
        // A receipt is small: with Nagle it would wait 40 ms for the hub's delayed acknowledgement.
        noDelay: true,
      },
      (socket) => {
        aedes.handle(socket);
      },
    );
    // Below TLS, so that one in the middle of its handshake does not hold up a stop.
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("tlsClientError", (error) => turnAway(error.message));
    server.listen(port, options.host ?? HOST);
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    running = {
      server,
      aedes,
      sockets,
      attachment: options.receiver === undefined ? null : attachReceiver(aedes, options.receiver),
    };
  };

  const stop = async (): Promise<void> => {
    if (running === null) return;
    const { server, aedes, sockets, attachment } = running;
    running = null;
    attachment?.[Symbol.dispose]();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
    await new Promise<void>((resolve) => aedes.close(resolve));
    connected.clear();
  };

  await start();
  return {
    get port() {
      return port;
    },
    get url() {
      return `mqtts://${HOST}:${port}`;
    },
    get running() {
      return running !== null;
    },
    get clients() {
      return [...connected.values()];
    },
    start,
    stop,
    dropConnections: () => {
      for (const socket of running?.sockets ?? []) socket.destroy();
    },
    [Symbol.asyncDispose]: stop,
  };
};
