import type { Received } from "../../protocol/ports/transport.ts";

/** What a simulated connection hands to its reader: everything pushed before the end, once, in order. */
export interface MemoryIncoming extends AsyncIterable<Received> {
  push(received: Received): void;
  end(): void;
}

const DONE: IteratorResult<Received> = { done: true, value: undefined };

export const createMemoryIncoming = (): MemoryIncoming => {
  const waiting: Received[] = [];
  let ended = false;
  let wake: (() => void) | null = null;
  const change = (): void => {
    wake?.();
    wake = null;
  };
  return {
    push: (received) => {
      if (!ended) waiting.push(received);
      change();
    },
    end: () => {
      ended = true;
      change();
    },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        for (;;) {
          const received = waiting.shift();
          if (received !== undefined) return { done: false, value: received };
          if (ended) return DONE;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    }),
  };
};
