import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type TLSSocket } from "node:tls";
import { generate } from "mqtt-packet";
import type { CredentialFiles } from "../hardware-sim/region/credential-files.ts";
import { hrMs } from "./job.ts";

/**
 * Sees when messages arrive at the region's broker, for peers whose PUBACK from there nobody else sees. They are all of
 * one length, so octets are counted and nothing is taken apart: it shares the machine with what it measures.
 */
export interface Watcher extends AsyncDisposable {
  /** When message number `count` (1, 2 ...) of all since the start was here. */
  arrived(count: number): Promise<number>;
}

export interface WatcherOptions {
  readonly port: number;
  readonly files: CredentialFiles;
  readonly topic: string;
  /** Octets of each payload. */
  readonly payloadBytes: number;
}

const SUBSCRIPTION = 1;
const CONNACK_AND_SUBACK = 4 + 5;

/** A PUBLISH of QoS 0 in MQTT 3.1.1, section 3.3. */
const packetBytes = ({ topic, payloadBytes }: WatcherOptions): number =>
  generate({ cmd: "publish", topic, payload: Buffer.alloc(payloadBytes), qos: 0, dup: false, retain: false }).length;

const open = async ({ port, files }: WatcherOptions): Promise<TLSSocket> => {
  const socket = connect({
    host: "localhost",
    port,
    ca: await readFile(files.ca),
    cert: await readFile(files.region.certificate),
    key: await readFile(files.region.key),
  });
  await once(socket, "secureConnect");
  return socket;
};

/** Resolves when its subscription stands. */
export const startWatcher = async (options: WatcherOptions): Promise<Watcher> => {
  const socket = await open(options);
  const each = packetBytes(options);
  const waiting = new Map<number, (at: number) => void>();
  const subscribed = Promise.withResolvers<void>();
  const arrivals = new Map<number, number>();
  let octets = -CONNACK_AND_SUBACK;
  let seen = 0;
  // A process that waits for what will never come would end without a word.
  socket.once("close", () => subscribed.reject(new Error("bench: the broker closed the watcher's connection")));
  socket.on("data", (chunk: Buffer) => {
    octets += chunk.length;
    if (octets >= 0) subscribed.resolve();
    const at = hrMs();
    for (const count = Math.floor(octets / each); seen < count; ) {
      seen += 1;
      arrivals.set(seen, at);
      waiting.get(seen)?.(at);
    }
  });
  socket.write(generate({ cmd: "connect", clientId: "watcher", protocolVersion: 4, clean: true, keepalive: 0 }));
  socket.write(
    generate({ cmd: "subscribe", messageId: SUBSCRIPTION, subscriptions: [{ topic: options.topic, qos: 0 }] }),
  );
  await subscribed.promise;
  return {
    arrived: async (count) => arrivals.get(count) ?? (await new Promise((resolve) => waiting.set(count, resolve))),
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
};
