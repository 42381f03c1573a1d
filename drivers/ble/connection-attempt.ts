import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { HciConnection } from "./hci-adapter.ts";

/** A cancellation that overtakes noble's reset of the controller has no effect: say it again, 4 x 500 ms = 2 s. */
const CANCEL_EVERY = millis(500);
const CANCEL_TRIES = 4;
export const CANCEL_DEADLINE = millis(CANCEL_EVERY * CANCEL_TRIES);

/** One attempt to connect, from the command to its end. */
export interface ConnectionAttempt<T> {
  /** What `use` made of the connection. Rejects with the error given to `ended`. */
  readonly outcome: Promise<{ readonly made: T }>;
  /** Calls `use` at once, before any other packet of the controller is looked at. */
  connected(connection: HciConnection): void;
  /** Ended without a connection. */
  ended(error: Error): void;
  /** Give it up. Resolves with what was made of a connection that came all the same, null for none, or "unended". */
  cancel(command: () => void, clock: Clock): Promise<{ readonly made: T } | null | "unended">;
}

export const createConnectionAttempt = <T>(use: (connection: HciConnection) => T): ConnectionAttempt<T> => {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<{ readonly made: T }>();
  outcome.catch(() => undefined);
  const over = new AbortController();
  let made: { readonly made: T } | null = null;

  return {
    outcome,
    connected: (connection) => {
      made = { made: use(connection) };
      resolve(made);
      over.abort();
    },
    ended: (error) => {
      reject(error);
      over.abort();
    },
    cancel: async (command, clock) => {
      for (let tries = 0; tries < CANCEL_TRIES && !over.signal.aborted; tries++) {
        command();
        // Rejects when the attempt is over, which the next turn of the loop sees.
        await clock.sleep(CANCEL_EVERY, over.signal).catch(() => undefined);
      }
      return over.signal.aborted ? made : "unended";
    },
  };
};
