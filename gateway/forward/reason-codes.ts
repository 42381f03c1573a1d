import { HubError } from "../../protocol/errors.ts";
import type { PublishOutcome, RegionLink } from "../../protocol/ports/region-link.ts";

export type LinkProtocol = RegionLink["protocol"];

/** MQTT 5 reason codes that decide something here (MQTT 5.0 section 2.4); 3.1.1 return codes are in RETURN_CODES. */
export const REASON = {
  noSubscriber: 0x10,
  unsupportedVersion: 0x84,
  notAuthorised: 0x87,
  topicInvalid: 0x90,
  tooLarge: 0x95,
  payloadInvalid: 0x99,
  noQos1: 0x9b,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  128: "unspecified error",
  129: "malformed packet",
  130: "protocol error",
  131: "implementation specific error",
  132: "MQTT version not supported",
  133: "client identifier not valid",
  134: "bad user name or password",
  135: "not authorised",
  136: "server unavailable",
  137: "server busy",
  138: "banned",
  139: "server shutting down",
  140: "bad authentication method",
  141: "keep alive timeout",
  142: "session taken over by another connection with this hub's identity",
  143: "topic filter invalid",
  144: "topic name invalid",
  145: "packet identifier in use",
  147: "receive maximum exceeded",
  148: "topic alias invalid",
  149: "packet too large",
  150: "message rate too high",
  151: "quota exceeded",
  152: "administrative action",
  153: "payload format invalid",
  154: "retain not supported",
  155: "QoS not supported",
  156: "use another server",
  157: "server moved",
  159: "connection rate exceeded",
  160: "maximum connect time",
};

/** CONNACK of MQTT 3.1.1 (section 3.2.2.3), as the MQTT 5 reason that means the same. */
const RETURN_CODES: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

const hex = (code: number): string => `0x${code.toString(16).padStart(2, "0")}`;

export const reasonName = (code: number): string => `${NAMES[code] ?? "unknown reason"} (${hex(code)})`;

/** The hub goes where its configuration says: a broker, or who poses as one, cannot send it and its data elsewhere. */
const NO_REDIRECTION = "the hub follows no redirection; the region must give it the new address in its configuration";

const NEXT_STEPS: Readonly<Record<number, string>> = {
  132: "the region's broker must speak MQTT 5 or 3.1.1",
  133: "the region must admit this hub's id",
  134: "the region must admit this hub's certificate",
  135: "the region must give this hub its access",
  138: "call the region",
  154: "the region's broker must allow retained messages, for the hub's state",
  155: "the region's broker must allow QoS 1",
  156: NO_REDIRECTION,
  157: NO_REDIRECTION,
};
const LATER = "the hub keeps its readings and tries again later";

/** The reason in MQTT 5 terms of a CONNACK in either protocol. A broker may answer a version it lacks in the old form. */
export const connackReason = (code: number): number => RETURN_CODES[code] ?? code;

/** A CONNACK or SUBACK that says no: `link-refused`, with `reasonCode` in MQTT 5 terms. */
export const refusal = (during: "connect" | "subscribe", code: number): HubError =>
  new HubError(
    "link-refused",
    `link to the region: the broker refused to ${during}: ${reasonName(code)}; ${NEXT_STEPS[code] ?? LATER}`,
    { context: { trouble: "refused", during, reasonCode: code } },
  );

/** A DISCONNECT from the broker: `link-lost`, with its `reasonCode`. */
export const disconnection = (code: number): HubError =>
  new HubError(
    "link-lost",
    `link to the region: the broker ended it: ${reasonName(code)}; ${NEXT_STEPS[code] ?? LATER}`,
    {
      context: { trouble: "disconnected", reasonCode: code },
    },
  );

/**
 * What a PUBACK means. An unspecified or implementation specific error says nothing about this message, so it counts as
 * "not now": quarantining on it could stop a healthy reading for ever.
 */
export const outcomeOf = (code: number): PublishOutcome => {
  if (code === REASON.noSubscriber) return { tag: "no-subscriber" };
  if (code < 0x80) return { tag: "accepted" };
  const reason = `the broker refused the message: ${reasonName(code)}`;
  if (code === REASON.notAuthorised || code === REASON.topicInvalid) {
    return { tag: "refused", reasonCode: code, reason, scope: "topic" };
  }
  if (code === REASON.tooLarge || code === REASON.payloadInvalid) {
    return { tag: "refused", reasonCode: code, reason, scope: "message" };
  }
  return { tag: "refused", reasonCode: code, reason, scope: "quota" };
};

/** True for a DISCONNECT that blames a message which was in flight, and would come again for the same one. */
export const blamesMessage = (code: unknown): boolean => code === REASON.tooLarge || code === REASON.payloadInvalid;

/** Server unavailable, shutting down, keep alive timeout: it will be there again soon. */
const PASSING: ReadonlySet<unknown> = new Set([0x88, 0x8b, 0x8d]);

/** True for an ending that would soon come again: another hub with this identity, a ban, a rate, a quota. */
export const asksToStayAway = (code: unknown): boolean =>
  typeof code === "number" && code >= 0x80 && !PASSING.has(code);
