import type { Advertisement } from "../../protocol/ports/radio.ts";

/** Advertisers that wait to be looked at; far more than are heard between two turns of the scheduler. */
export const QUEUE_LIMIT = 256;

export interface AdvertisementQueue {
  put(advertisement: Advertisement): void;
  /** Ends the queue: with an error where one is given. */
  end(error: Error | null): void;
  /** The next in the order in which their advertisers were first heard; null at the end. Rejects with the error. */
  next(): Promise<Advertisement | null>;
}

/** Keeps the newest advertisement of each advertiser; when full, the advertiser that waits longest goes. */
export const createAdvertisementQueue = (): AdvertisementQueue => {
  const waiting = new Map<string, Advertisement>();
  let over: { readonly error: Error | null } | null = null;
  let wake: (() => void) | null = null;

  const signal = (): void => {
    wake?.();
    wake = null;
  };

  return {
    put: (advertisement) => {
      if (over !== null) return;
      waiting.set(advertisement.address, advertisement);
      const [oldest] = waiting.keys();
      if (waiting.size > QUEUE_LIMIT && oldest !== undefined) waiting.delete(oldest);
      signal();
    },
    end: (error) => {
      over ??= { error };
      signal();
    },
    next: async () => {
      for (;;) {
        if (over !== null) {
          if (over.error !== null) throw over.error;
          return null;
        }
        const [first] = waiting.values();
        if (first !== undefined) {
          waiting.delete(first.address);
          return first;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
};
