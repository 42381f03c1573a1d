import type { RegionLink } from "../../protocol/ports/region-link.ts";

/** Why the connection must be cut before the parser sees more. */
export type GuardFinding =
  | { readonly tag: "too-large"; readonly bytes: number }
  /** A packet that its own header, or its length, shows to be none. */
  | { readonly tag: "malformed" }
  /** A packet that answers nothing this hub sends: QoS 2, authentication, or a client's packet from a broker. */
  | { readonly tag: "not-asked-for" };

/**
 * Follows the packets that the broker sends, keeping no more than five bytes of each. The MQTT client would collect a
 * packet of 256 MB before it looks at its size, keep QoS 2 messages as long as the broker likes, and throw where a
 * PUBLISH is too short for its packet id; this stops such bytes before the client sees them.
 */
export interface InboundGuard {
  /** The first thing wrong in `chunk`, or null. After a finding nothing more is inspected. */
  inspect(chunk: Uint8Array): GuardFinding | null;
  /** Message id and reason code of the last PUBACK with a reason, also of one that the parser will not accept. */
  readonly lastPuback: { readonly messageId: number; readonly reasonCode: number } | null;
}

/** MQTT 5.0 section 2.1.2. */
const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
const PINGRESP = 13;
const DISCONNECT = 14;

/** Shortest remaining length of what a broker may send to this hub; all else was not asked for. */
const SHORTEST: Readonly<Record<number, number>> = {
  [CONNACK]: 2,
  // An empty topic (2) and, in MQTT 5, no properties (1); checkHead adds what its own first bytes announce.
  [PUBLISH]: 2,
  [PUBACK]: 2,
  [SUBACK]: 3,
  [PINGRESP]: 0,
  [DISCONNECT]: 0,
};
/** Bytes of the variable byte integer (MQTT 5.0 section 1.5.5). */
const LONGEST_LENGTH = 4;
/** Message id (2 bytes) and reason code, or the length of a topic. */
const HEAD_BYTES = 3;
const PACKET_ID_BYTES = 2;

type Position =
  | { readonly tag: "header" }
  | { readonly tag: "length"; readonly header: number; readonly bytes: number; readonly value: number }
  | { readonly tag: "body"; readonly header: number; readonly length: number; readonly left: number };

export const createInboundGuard = (protocol: RegionLink["protocol"], maximumPacketSize: number): InboundGuard => {
  let position: Position = { tag: "header" };
  let head: number[] = [];
  let lastPuback: InboundGuard["lastPuback"] = null;
  let found: GuardFinding | null = null;

  const takeHeader = (header: number): GuardFinding | null => {
    const type = header >> 4;
    const qos = (header >> 1) & 3;
    if (SHORTEST[type] === undefined || (type === DISCONNECT && protocol !== "mqtt5")) return { tag: "not-asked-for" };
    if (type === PUBLISH && qos >= 2) return { tag: "not-asked-for" };
    position = { tag: "length", header, bytes: 0, value: 0 };
    return null;
  };

  const takeLength = (at: Position & { tag: "length" }, byte: number): GuardFinding | null => {
    const value = at.value + (byte & 0x7f) * 128 ** at.bytes;
    if (value > maximumPacketSize) return { tag: "too-large", bytes: value };
    if ((byte & 0x80) !== 0) {
      position = { ...at, bytes: at.bytes + 1, value };
      return at.bytes + 1 >= LONGEST_LENGTH ? { tag: "malformed" } : null;
    }
    if (value < (SHORTEST[at.header >> 4] ?? 0)) return { tag: "malformed" };
    head = [];
    position = value === 0 ? { tag: "header" } : { tag: "body", header: at.header, length: value, left: value };
    return null;
  };

  /** Looks at the head once it is there; `head` never holds more than HEAD_BYTES. */
  const checkHead = (at: Position & { tag: "body" }): GuardFinding | null => {
    const [high = 0, low = 0, reasonCode] = head;
    const number = high * 256 + low;
    if (at.header >> 4 === PUBACK && reasonCode !== undefined) lastPuback = { messageId: number, reasonCode };
    if (at.header >> 4 !== PUBLISH) return null;
    const needed = 2 + number + ((at.header & 0x06) === 0 ? 0 : PACKET_ID_BYTES) + (protocol === "mqtt5" ? 1 : 0);
    return at.length < needed ? { tag: "malformed" } : null;
  };

  const takeBody = (at: Position & { tag: "body" }, part: Uint8Array): GuardFinding | null => {
    if (head.length < HEAD_BYTES) {
      head.push(...part.subarray(0, HEAD_BYTES - head.length));
      const wrong = head.length >= Math.min(HEAD_BYTES, at.length) ? checkHead(at) : null;
      if (wrong !== null) return wrong;
    }
    position = at.left === part.length ? { tag: "header" } : { ...at, left: at.left - part.length };
    return null;
  };

  return {
    get lastPuback() {
      return lastPuback;
    },
    inspect: (chunk) => {
      for (let i = 0; i < chunk.length && found === null; ) {
        const at = position;
        const count = at.tag === "body" ? Math.min(at.left, chunk.length - i) : 1;
        const part = chunk.subarray(i, i + count);
        i += count;
        if (at.tag === "body") found = takeBody(at, part);
        else if (at.tag === "length") found = takeLength(at, part[0] ?? 0);
        else found = takeHeader(part[0] ?? 0);
      }
      return found;
    },
  };
};
