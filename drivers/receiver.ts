import type { Clock } from "../protocol/ports/clock.ts";
import type { Received } from "../protocol/ports/transport.ts";
import type { Millis } from "../protocol/time.ts";

/** What a session got, or why it got nothing. */
export type Reception =
  | { readonly tag: "received"; readonly received: Received }
  | { readonly tag: "end" }
  | { readonly tag: "patience-over" }
  | { readonly tag: "aborted" };

/** Takes from a transport one by one, with patience. What arrives while nobody asks is kept for the next call. */
export interface Receiver {
  /** Waits at most `patience` (null: as long as it takes), and never beyond the signal. Does not reject for either. */
  next(patience: Millis | null, signal: AbortSignal): Promise<Reception>;
}

const PATIENCE_OVER: Reception = { tag: "patience-over" };
const ABORTED: Reception = { tag: "aborted" };
const END: Reception = { tag: "end" };

export const createReceiver = (incoming: AsyncIterable<Received>, clock: Clock): Receiver => {
  const iterator = incoming[Symbol.asyncIterator]();
  let asked: Promise<Reception> | null = null;

  const ask = async (): Promise<Reception> => {
    const { done, value } = await iterator.next();
    return done === true ? END : { tag: "received", received: value };
  };

  return {
    next: async (patience, signal) => {
      if (signal.aborted) return ABORTED;
      asked ??= ask();
      const settled = new AbortController();
      const stopped = new Promise<Reception>((resolve) => {
        signal.addEventListener("abort", () => resolve(ABORTED), { once: true, signal: settled.signal });
      });
      const waits = [asked, stopped];
      if (patience !== null) {
        waits.push(
          clock.sleep(patience, settled.signal).then(
            () => PATIENCE_OVER,
            // Rejects only because the wait is settled, and then nobody looks at what it gives.
            () => PATIENCE_OVER,
          ),
        );
      }
      try {
        const reception = await Promise.race(waits);
        if (reception.tag === "received") asked = null;
        return reception;
      } finally {
        settled.abort();
      }
    },
  };
};
