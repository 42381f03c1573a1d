/** Tells waiting loops that something changed. */
export interface Bell {
  ring(): void;
  /** Aborts at the next ring. Taken before looking at the state, so that no change between is missed. */
  next(): AbortSignal;
}

export const createBell = (): Bell => {
  let upcoming = new AbortController();
  return {
    ring: () => {
      const rung = upcoming;
      upcoming = new AbortController();
      rung.abort();
    },
    next: () => upcoming.signal,
  };
};

/** Resolves when the signal has aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
