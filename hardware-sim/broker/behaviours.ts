import type { IConnackPacket } from "mqtt-packet";
import type { Behaviour, ConnectReaction, PublishReaction } from "./behaviour.ts";

/** MQTT 5.0 section 2.4. */
const BAD_CREDENTIALS = 0x86;
const NOT_AUTHORISED = 0x87;
const BUSY = 0x89;
const TOO_LARGE = 0x95;
const QUOTA = 0x97;

const accepted: ConnectReaction = { tag: "connack", reasonCode: 0 };
const acknowledged: PublishReaction = { tag: "puback", reasonCode: 0 };

const sound: Omit<Behaviour, "name"> = {
  onConnect: () => accepted,
  onPublish: () => acknowledged,
  onSubscribe: () => 1,
  answersPing: true,
};

/** Does what MQTT 5 says. */
export const wellBehaved: Behaviour = { name: "well-behaved", ...sound };

/** Refuses the hub the first `times` times: CONNACK 0x86. */
export const badAuth = (times = Number.POSITIVE_INFINITY): Behaviour => ({
  ...sound,
  name: "badauth",
  onConnect: (count) => (count <= times ? { tag: "connack", reasonCode: BAD_CREDENTIALS } : accepted),
});

/** Too busy the first `times` times: CONNACK 0x89. */
export const busy = (times = Number.POSITIVE_INFINITY): Behaviour => ({
  ...sound,
  name: "busy",
  onConnect: (count) => (count <= times ? { tag: "connack", reasonCode: BUSY } : accepted),
});

/** Accepts the connection the first `times` times and never answers. */
export const slowLoris = (times = Number.POSITIVE_INFINITY): Behaviour => ({
  ...sound,
  name: "slowloris",
  onConnect: (count) => (count <= times ? { tag: "silence" } : accepted),
});

/** Answers the first `times` times one byte a second, without end. */
export const trickle = (times = Number.POSITIVE_INFINITY): Behaviour => ({
  ...sound,
  name: "trickle",
  onConnect: (count) => (count <= times ? { tag: "trickle" } : accepted),
});

/** Connects and grants subscriptions, and is then as silent as a pulled cable. */
export const halfOpen: Behaviour = {
  ...sound,
  name: "halfopen",
  onPublish: () => ({ tag: "nothing" }),
  answersPing: false,
};

/** Alive, but does not acknowledge; it delivers all the same. */
export const noAck: Behaviour = { ...sound, name: "noack", onPublish: () => ({ tag: "deliver" }) };

/** Delivers the first `times` messages and cuts the connection before it acknowledges them. */
export const lostAck = (times: number): Behaviour => ({
  ...sound,
  name: "lostack",
  onPublish: ({ count }) => (count <= times ? { tag: "deliver-and-cut" } : acknowledged),
});

/** PUBACK 0x97 for the first `times` messages. */
export const quota = (times: number): Behaviour => ({
  ...sound,
  name: "q97",
  onPublish: ({ count }) => (count <= times ? { tag: "puback", reasonCode: QUOTA } : acknowledged),
});

/** PUBACK 0x87 for everything on topics that end in `name`. */
export const notAuthorised = (name: string): Behaviour => ({
  ...sound,
  name: "na87",
  onPublish: ({ topic }) => (topic.endsWith(name) ? { tag: "puback", reasonCode: NOT_AUTHORISED } : acknowledged),
});

export type Poison = (payload: Uint8Array) => boolean;

/** PUBACK with the reason 0x95, which has no place in a PUBACK, for each message that is poison. */
export const tooBigPuback = (poison: Poison): Behaviour => ({
  ...sound,
  name: "big95",
  onPublish: ({ payload }) => (poison(payload) ? { tag: "puback", reasonCode: TOO_LARGE } : acknowledged),
});

/** DISCONNECT 0x95 for each message that is poison. */
export const tooBigDisconnect = (poison: Poison): Behaviour => ({
  ...sound,
  name: "disc95",
  onPublish: ({ payload }) => (poison(payload) ? { tag: "disconnect", reasonCode: TOO_LARGE } : acknowledged),
});

/** Says in CONNACK that it takes packets of `bytes`, and ends the connection at a larger one. */
export const maximumPacket = (bytes: number): Behaviour => ({
  ...sound,
  name: "maxpkt",
  onConnect: () => ({ ...accepted, properties: { maximumPacketSize: bytes } }),
  onPublish: ({ payload }) => (payload.length > bytes ? { tag: "disconnect", reasonCode: TOO_LARGE } : acknowledged),
});

/** Takes one message at a time; the broker ends the connection at a second one in flight. */
export const receiveMaximumOne: Behaviour = {
  ...sound,
  name: "rm1",
  onConnect: () => ({ ...accepted, properties: { receiveMaximum: 1 } }),
};

/** Answers CONNECT with `bytes`. */
export const garbageConnack = (bytes: Uint8Array): Behaviour => ({
  ...sound,
  name: "garbage-connack",
  onConnect: () => ({ tag: "bytes", bytes }),
});

/** Acknowledges the first PUBLISH properly and sends `bytes` after it; sound from then on. */
export const garbageAfterPuback = (bytes: Uint8Array): Behaviour => ({
  ...sound,
  name: "garbage",
  onPublish: ({ count }) => (count === 1 ? { tag: "puback-and-bytes", bytes } : acknowledged),
});

/** Grants nothing of this name (default: nothing at all): SUBACK with `reasonCode`. */
export const noSubscriptions = (reasonCode: number, name = ""): Behaviour => ({
  ...sound,
  name: "nosub",
  onSubscribe: (topic) => (topic.endsWith(name) ? reasonCode : 1),
});

/** Says this in its CONNACK, and is sound. */
export const onTerms = (properties: NonNullable<IConnackPacket["properties"]>): Behaviour => ({
  ...sound,
  name: "terms",
  onConnect: () => ({ ...accepted, properties }),
});

/** Says that it kept a session, although the hub began a clean one. */
export const staleSession: Behaviour = {
  ...sound,
  name: "stale-session",
  onConnect: () => ({ tag: "connack", reasonCode: 0, sessionPresent: true }),
};

/** Keeps its PUBACKs back until it is told to release them. */
export const holdsBack: Behaviour = { ...sound, name: "holds-back", onPublish: () => ({ tag: "hold" }) };

/** Acknowledges each message twice. */
export const acksTwice: Behaviour = {
  ...sound,
  name: "acks-twice",
  onPublish: () => ({ tag: "pubacks", ids: (id) => [id, id] }),
};

/** Acknowledges, besides each message, an id that is nowhere near those in use. */
export const acksUnknown: Behaviour = {
  ...sound,
  name: "acks-unknown",
  onPublish: () => ({ tag: "pubacks", ids: (id) => [(id + 0x4000) & 0xffff || 1, id] }),
};

/** Ends the connection at the first reading, with this reason; sound from then on. */
export const endsOnce = (reasonCode: number, serverReference?: string): Behaviour => {
  let ended = false;
  return {
    ...sound,
    name: "ends-once",
    onPublish: ({ topic }) => {
      if (ended || !topic.endsWith("reading")) return acknowledged;
      ended = true;
      return { tag: "disconnect", reasonCode, ...(serverReference === undefined ? {} : { serverReference }) };
    },
  };
};

/** Sends the hub elsewhere, each time it asks: CONNACK 0x9C or 0x9D with a server reference. */
export const redirects = (reasonCode: 0x9c | 0x9d, serverReference: string): Behaviour => ({
  ...sound,
  name: "redirects",
  onConnect: () => ({ tag: "connack", reasonCode, properties: { serverReference } }),
});
