import { HubError } from "../../protocol/errors.ts";
import type {
  InboundMessage,
  OutboundMessage,
  PublishOutcome,
  RegionConnector,
  RegionLink,
} from "../../protocol/ports/region-link.ts";

/** A PUBLISH that waits for the test's answer. */
export interface HeldPublish {
  readonly message: OutboundMessage;
  answer(outcome: PublishOutcome): void;
}

export interface MemoryBrokerOptions {
  readonly protocol?: RegionLink["protocol"];
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number | null;
  /** The answer to each PUBLISH, `hold` to answer it by `held`, or `cut` to end the link instead. Default: accepted. */
  readonly onPublish?: (message: OutboundMessage) => PublishOutcome | "hold" | "cut";
  /** Which topics may be subscribed; a refusal is a refused connect. Default: all. */
  readonly maySubscribe?: (topic: string) => boolean;
  /** Called with each accepted message, before the PUBACK. */
  readonly onDelivered?: (message: OutboundMessage) => void;
}

export interface MemoryConnectorOptions {
  readonly will?: () => OutboundMessage;
  readonly subscriptions?: readonly string[];
}

/** A broker without a network. It keeps what the port promises, and counts what a test wants to know. */
export interface MemoryBroker {
  connector(options?: MemoryConnectorOptions): RegionConnector;
  /** Attempts to connect, refused ones included. */
  readonly connects: number;
  readonly connected: boolean;
  /** Every message that was accepted, wills included, oldest first. */
  readonly delivered: readonly OutboundMessage[];
  readonly held: readonly HeldPublish[];
  /** Most messages that were in flight at once. */
  readonly mostInFlight: number;
  /** Send to the hubs that subscribed to exactly this topic. */
  send(topic: string, payload: Uint8Array): void;
  /** End all links, as a cable that was pulled; `context` goes into the reason. Wills are published. */
  cut(context?: Readonly<Record<string, string | number>>): void;
  /** While set, every connect is refused with this error. */
  refuse(error: HubError | null): void;
  configure(options: MemoryBrokerOptions): void;
}

interface Session {
  readonly will: OutboundMessage | null;
  deliver(message: InboundMessage): void;
  end(error: HubError): void;
}

/** Bytes of a packet around its payload: about what MQTT 5 needs. */
const PACKET_OVERHEAD = 64;

export const createMemoryBroker = (initial: MemoryBrokerOptions = {}): MemoryBroker => {
  let options = initial;
  let connects = 0;
  let inFlight = 0;
  let mostInFlight = 0;
  let refusal: HubError | null = null;
  const sessions = new Set<Session>();
  const delivered: OutboundMessage[] = [];
  const held: HeldPublish[] = [];

  const accept = (message: OutboundMessage): void => {
    delivered.push(message);
    options.onDelivered?.(message);
  };

  const openLink = ({ will, subscriptions = [] }: MemoryConnectorOptions): RegionLink => {
    const gone = new AbortController();
    const waiting: InboundMessage[] = [];
    let wake: (() => void) | null = null;
    const { maximumPacketSize = null } = options;

    const end = (error: HubError): void => {
      if (gone.signal.aborted) return;
      sessions.delete(session);
      gone.abort(error);
      wake?.();
    };
    const session: Session = {
      will: will?.() ?? null,
      deliver: (message) => {
        if (!subscriptions.includes(message.topic)) return;
        waiting.push(message);
        wake?.();
      },
      end,
    };
    sessions.add(session);

    async function* take(): AsyncGenerator<InboundMessage> {
      for (;;) {
        const message = waiting.shift();
        if (message !== undefined) yield message;
        else if (gone.signal.aborted) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    }

    const publish = async (message: OutboundMessage, signal: AbortSignal): Promise<PublishOutcome> => {
      signal.throwIfAborted();
      if (gone.signal.aborted) throw gone.signal.reason;
      if (maximumPacketSize !== null && message.payload.length + PACKET_OVERHEAD > maximumPacketSize) {
        return { tag: "too-large", limit: maximumPacketSize };
      }
      const reaction = options.onPublish?.(message) ?? { tag: "accepted" };
      if (reaction === "cut") {
        broker.cut();
        throw gone.signal.reason;
      }
      const answered = Promise.withResolvers<PublishOutcome>();
      const settled = new AbortController();
      gone.signal.addEventListener("abort", () => answered.reject(gone.signal.reason), { signal: settled.signal });
      signal.addEventListener("abort", () => answered.reject(signal.reason), { signal: settled.signal });
      const answer = (outcome: PublishOutcome): void => {
        if (gone.signal.aborted) return;
        if (outcome.tag === "accepted") accept(message);
        answered.resolve(outcome);
      };
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      if (reaction === "hold") held.push({ message, answer });
      else setImmediate(() => answer(reaction));
      try {
        return await answered.promise;
      } finally {
        inFlight -= 1;
        settled.abort();
      }
    };

    return {
      protocol: options.protocol ?? "mqtt5",
      receiveMaximum: options.receiveMaximum ?? 65_535,
      maximumPacketSize,
      lost: gone.signal,
      incoming: take(),
      publish,
      [Symbol.asyncDispose]: async () => end(new HubError("link-lost", "link to the region: this hub closed it")),
    };
  };

  const broker: MemoryBroker = {
    connector: (connectorOptions = {}) => ({
      connect: async (signal) => {
        signal.throwIfAborted();
        connects += 1;
        if (refusal !== null) throw refusal;
        if (connectorOptions.subscriptions?.some((topic) => options.maySubscribe?.(topic) === false)) {
          throw new HubError("link-refused", "link to the region: the broker refused to subscribe");
        }
        return openLink(connectorOptions);
      },
    }),
    get connects() {
      return connects;
    },
    get connected() {
      return sessions.size > 0;
    },
    delivered,
    held,
    get mostInFlight() {
      return mostInFlight;
    },
    send: (topic, payload) => {
      for (const session of sessions) session.deliver({ topic, payload });
    },
    cut: (context = {}) => {
      for (const session of [...sessions]) {
        session.end(new HubError("link-lost", "link to the region: the cable was pulled", { context }));
        if (session.will !== null) accept(session.will);
      }
    },
    refuse: (error) => {
      refusal = error;
    },
    configure: (next) => {
      options = { ...options, ...next };
    },
  };
  return broker;
};
