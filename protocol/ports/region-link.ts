/** A message towards the region. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/**
 * accepted: the broker has taken responsibility (PUBACK success). The region's receipt, not this, settles a reading.
 * no-subscriber: PUBACK 0x10; the broker has it and nobody listens. The others carry the reason as a sentence.
 */
export type PublishOutcome =
  | { readonly tag: "accepted" }
  | { readonly tag: "no-subscriber" }
  | {
      readonly tag: "refused";
      readonly reasonCode: number;
      readonly reason: string;
      readonly scope: "message" | "topic" | "quota";
    }
  | { readonly tag: "too-large"; readonly limit: number };

export interface InboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** One live connection to the region's broker. It never reconnects by itself. */
export interface RegionLink extends AsyncDisposable {
  readonly protocol: "mqtt5" | "mqtt3.1.1";
  /** Most QoS 1 messages in flight that the broker allows. */
  readonly receiveMaximum: number;
  /** Largest packet the broker takes, in bytes; null where it did not say. */
  readonly maximumPacketSize: number | null;
  /** Aborts when the connection is gone, with a HubError (`link-lost`) as its reason. */
  readonly lost: AbortSignal;
  readonly incoming: AsyncIterable<InboundMessage>;
  /** QoS 1. Rejects with `link-lost`, `link-timeout` or the signal's reason; the message may then have arrived. */
  publish(message: OutboundMessage, signal: AbortSignal): Promise<PublishOutcome>;
}

/** Opens links. Rejects with HubError `link-refused`, `link-unreachable`, `link-tls` or `link-timeout`. */
export interface RegionConnector {
  connect(signal: AbortSignal): Promise<RegionLink>;
}
