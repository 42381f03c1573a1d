import type { IConnackPacket } from "mqtt-packet";

/** What the broker does when a hub connects. */
export type ConnectReaction =
  | {
      readonly tag: "connack";
      readonly reasonCode: number;
      readonly properties?: IConnackPacket["properties"];
      readonly sessionPresent?: boolean;
    }
  /** Accept the connection and say nothing. */
  | { readonly tag: "silence" }
  /** Close the connection. */
  | { readonly tag: "close" }
  /** A CONNACK whose end never comes, one byte each second. */
  | { readonly tag: "trickle" }
  /** These bytes instead of a CONNACK. */
  | { readonly tag: "bytes"; readonly bytes: Uint8Array };

/** What the broker does with one PUBLISH. Where it acknowledges with success, the message is delivered. */
export type PublishReaction =
  | { readonly tag: "puback"; readonly reasonCode: number }
  /** Deliver, and keep the PUBACK back until `ScriptedBroker.release`. */
  | { readonly tag: "hold" }
  /** Deliver, and acknowledge these packet ids with success. */
  | { readonly tag: "pubacks"; readonly ids: (id: number) => readonly number[] }
  /** Deliver the message and never say so. */
  | { readonly tag: "deliver" }
  /** Nothing at all, as behind a cable that was pulled. */
  | { readonly tag: "nothing" }
  /** Deliver, and cut the connection before the PUBACK. */
  | { readonly tag: "deliver-and-cut" }
  | { readonly tag: "disconnect"; readonly reasonCode: number; readonly serverReference?: string }
  /** Success, and then these bytes. */
  | { readonly tag: "puback-and-bytes"; readonly bytes: Uint8Array };

export interface PublishSeen {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** 1 for the first PUBLISH of the broker's life. */
  readonly count: number;
}

/** A way to misbehave, as data. */
export interface Behaviour {
  readonly name: string;
  readonly onConnect: (count: number) => ConnectReaction;
  readonly onPublish: (seen: PublishSeen) => PublishReaction;
  readonly onSubscribe: (topic: string) => number;
  readonly answersPing: boolean;
}
