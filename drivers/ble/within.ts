import type { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";

/**
 * Settles as `work` does; rejects with `late()` when that takes longer than `limit`, or with the signal's reason. What
 * `work` does after that is not waited for and its failure not reported.
 */
export const within = async <T>(
  work: Promise<T>,
  limit: Millis,
  late: () => HubError,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> => {
  const over = new AbortController();
  const onAbort = (): void => over.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const timer = clock.sleep(limit, over.signal).then(() => {
    throw late();
  });
  try {
    return await Promise.race([work, timer]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    over.abort();
  }
};
