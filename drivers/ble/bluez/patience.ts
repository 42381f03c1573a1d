import type { HubError } from "../../../protocol/errors.ts";
import type { Clock } from "../../../protocol/ports/clock.ts";
import type { Millis } from "../../../protocol/time.ts";

/**
 * Settles as `work` does; rejects with `late()` when `limit` passes between two calls of `progress`, or with the
 * signal's reason; where that has aborted already, `work` does not begin. `work` is told by its signal, and its failure
 * is not reported after that.
 */
export const withPatience = async <T>(
  limit: Millis,
  late: () => HubError,
  clock: Clock,
  signal: AbortSignal,
  work: (signal: AbortSignal, progress: () => void) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const onAbort = (): void => over.abort(signal.reason);
  let timer = new AbortController();
  const progress = (): void => {
    timer.abort();
    timer = new AbortController();
    if (over.signal.aborted) return;
    clock.sleep(limit, timer.signal).then(
      () => over.abort(late()),
      () => undefined,
    );
  };
  over.signal.addEventListener("abort", () => ended.reject(over.signal.reason), { once: true });
  ended.promise.catch(() => undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    progress();
    return await Promise.race([work(over.signal, progress), ended.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    timer.abort();
    over.abort();
  }
};
