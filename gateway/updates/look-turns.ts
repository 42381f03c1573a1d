import type { TrustedUpdate } from "../../ota/trust/trusted-update.ts";

/** Begin a look when the one before is over. */
export type TakeTurn = (open: () => Promise<TrustedUpdate>, signal: AbortSignal) => Promise<TrustedUpdate>;

/** Looks at one store of metadata, one after the other: they share its staging folder (ota/trust/metadata-store.ts). */
export const createLookTurns = (): TakeTurn => {
  let before: Promise<void> = Promise.resolve();
  return async (open, signal) => {
    const over = Promise.withResolvers<void>();
    const mine = before;
    before = mine.then(() => over.promise);
    try {
      await mine;
      signal.throwIfAborted();
      const look = await open();
      return {
        refresh: look.refresh,
        target: look.target,
        [Symbol.asyncDispose]: async () => {
          try {
            await look[Symbol.asyncDispose]();
          } finally {
            over.resolve();
          }
        },
      };
    } catch (thrown) {
      over.resolve();
      throw thrown;
    }
  };
};
