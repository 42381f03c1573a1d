import type { HubId } from "./ids.ts";

const ROOT = "hemhub/1";

export type TopicName = "reading" | "receipt" | "state" | "desired" | "reported" | "event" | "echo";

/** `hemhub/1/<hubId>/<name>` (design protocol.md, MQTT). */
export const topicOf = (hub: HubId, name: TopicName): string => `${ROOT}/${hub}/${name}`;

/** Subscription of a region to one kind of message of every hub: `hemhub/1/+/<name>`. */
export const topicOfAll = (name: TopicName): string => `${ROOT}/+/${name}`;

/** Hub id and name of a topic, or null where it is not one of ours. */
export const parseTopic = (topic: string): { hub: HubId; name: TopicName } | null => {
  const match = /^hemhub\/1\/([A-Za-z0-9._-]{1,64})\/(reading|receipt|state|desired|reported|event|echo)$/.exec(topic);
  return match === null ? null : { hub: match[1] as HubId, name: match[2] as TopicName };
};
