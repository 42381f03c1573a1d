import { randomUUID } from "node:crypto";
import type { Notice } from "./notices.ts";

/** The hub's own message that it hears again: the proof that a broker takes from it, and gives to it. */
export interface Echo {
  /**
   * True when the broker has brought back what was sent; false where there is no link, where it is lost or the broker
   * refuses, and when the signal aborts. Never rejects. One at a time: who asks meanwhile gets the same answer.
   */
  ask(signal: AbortSignal): Promise<boolean>;
  /** The message to send now; null where nobody asks. */
  next(): Pick<Notice, "message" | "settle"> | null;
  heard(payload: Uint8Array): void;
  linkUp(): void;
  linkLost(): void;
}

interface Asked {
  readonly payload: Buffer;
  readonly answer: PromiseWithResolvers<boolean>;
  isSent: boolean;
}

/** `ring`: there is something to send. */
export const createEcho = (topic: string, ring: () => void): Echo => {
  let isUp = false;
  let asked: Asked | null = null;

  const answer = (one: Asked | null, isHeard: boolean): void => {
    if (one === null || one !== asked) return;
    asked = null;
    one.answer.resolve(isHeard);
  };

  return {
    ask: async (signal) => {
      if (!isUp || signal.aborted) return false;
      if (asked !== null) return asked.answer.promise;
      const payload = Buffer.from(JSON.stringify({ schema: "echo/1", nonce: randomUUID() }));
      const one: Asked = { payload, answer: Promise.withResolvers<boolean>(), isSent: false };
      asked = one;
      const onAbort = (): void => answer(one, false);
      signal.addEventListener("abort", onAbort, { once: true });
      ring();
      try {
        return await one.answer.promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    next: () => {
      const one = asked;
      if (one === null || one.isSent) return null;
      one.isSent = true;
      return {
        message: { topic, payload: one.payload, retain: false },
        // Taken is not brought back yet; and the echo may come before this.
        settle: (outcome) => {
          if (outcome?.tag !== "accepted") answer(one, false);
        },
      };
    },
    heard: (payload) => {
      if (asked?.payload.equals(payload) === true) answer(asked, true);
    },
    linkUp: () => {
      isUp = true;
    },
    linkLost: () => {
      isUp = false;
      answer(asked, false);
    },
  };
};
