import type { InboundMessage } from "../../protocol/ports/region-link.ts";

/** Most messages, and most bytes of payload, that wait for the hub to look at them. */
const MOST_MESSAGES = 1000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Messages from the broker until they are taken. */
export interface IncomingQueue {
  /** False where the queue is full: the message is not taken, and the link must end rather than lose it in silence. */
  push(message: InboundMessage): boolean;
  /** Nothing more comes; what waits is still handed out. */
  end(): void;
  /** Can be iterated once. */
  readonly messages: AsyncIterable<InboundMessage>;
}

export const createIncomingQueue = (): IncomingQueue => {
  const waiting: InboundMessage[] = [];
  let bytes = 0;
  let ended = false;
  let wake: (() => void) | null = null;

  async function* take(): AsyncGenerator<InboundMessage> {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) {
        bytes -= message.payload.length;
        yield message;
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    push: (message) => {
      if (ended || waiting.length >= MOST_MESSAGES || bytes + message.payload.length > MOST_BYTES) return ended;
      waiting.push(message);
      bytes += message.payload.length;
      wake?.();
      return true;
    },
    end: () => {
      ended = true;
      wake?.();
    },
    messages: take(),
  };
};
