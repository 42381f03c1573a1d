import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { Clock } from "../../../protocol/ports/clock.ts";
import type { Millis } from "../../../protocol/time.ts";

/** How the name service answers (RFC 1035 section 4.1.1: response codes 2 and 3). */
export type NameAnswer =
  | { readonly tag: "address"; readonly ip: string; readonly after?: Millis }
  | { readonly tag: "server-failure" }
  | { readonly tag: "no-such-name" }
  | { readonly tag: "silence" };

/** A name service on port 53 of `host` that answers every question alike. */
export interface NameServer extends AsyncDisposable {
  readonly questions: number;
  answer(how: NameAnswer): void;
}

const HEADER_BYTES = 12;
const TYPE_A = 1;
/** Type and class behind the name. */
const QUESTION_TAIL = 4;
const RESPONSE = 0x8180;
const TTL_S = 1;

/** End of the question's name: labels, each with its length before it, up to an empty one. */
const endOfName = (packet: Buffer): number => {
  let at = HEADER_BYTES;
  for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) at += length + 1;
  return at + 1;
};

const response = (packet: Buffer, code: number, ip: string | null): Buffer => {
  const end = endOfName(packet) + QUESTION_TAIL;
  const header = Buffer.from(packet.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(RESPONSE | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(ip === null ? 0 : 1, 6);
  header.writeUInt32BE(0, 8);
  const question = packet.subarray(HEADER_BYTES, end);
  if (ip === null) return Buffer.concat([header, question]);
  // A pointer to the name of the question, type A, class IN.
  const answer = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_S, 0, 4, ...ip.split(".").map(Number)]);
  return Buffer.concat([header, question, answer]);
};

export const createNameServer = async (host: string, clock: Clock): Promise<NameServer> => {
  const socket = createSocket("udp4");
  const closing = new AbortController();
  let how: NameAnswer = { tag: "silence" };
  let questions = 0;

  const reply = async (packet: Buffer, from: RemoteInfo): Promise<void> => {
    const send = (bytes: Buffer): void => {
      if (!closing.signal.aborted) socket.send(bytes, from.port, from.address);
    };
    switch (how.tag) {
      case "silence":
        return;
      case "server-failure":
        return send(response(packet, 2, null));
      case "no-such-name":
        return send(response(packet, 3, null));
      case "address": {
        const { ip, after } = how;
        if (after !== undefined) await clock.sleep(after, closing.signal);
        const isA = packet.readUInt16BE(endOfName(packet)) === TYPE_A;
        return send(response(packet, 0, isA ? ip : null));
      }
    }
  };
  socket.on("message", (packet, from) => {
    questions += 1;
    // The only rejection is the end of a sleep, when the server is closed.
    reply(packet, from).catch(() => undefined);
  });
  socket.bind(53, host);
  await once(socket, "listening");
  return {
    get questions() {
      return questions;
    },
    answer: (next) => {
      how = next;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      socket.close();
      await once(socket, "close");
    },
  };
};
