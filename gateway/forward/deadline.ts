import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";

const cutShort = (): void => undefined;

/**
 * Run `work` with a signal that aborts with the caller's reason, or with `late()` after `delay`. `work` must honour
 * its signal; nothing of the timer is left when this settles.
 */
export const withDeadline = async <T>(
  clock: Clock,
  delay: Millis,
  late: () => Error,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const limit = new AbortController();
  const timer = new AbortController();
  const stop = (): void => limit.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true, signal: timer.signal });
  // The sleep rejects only when `timer` ends it because the work is done.
  void clock.sleep(delay, timer.signal).then(() => limit.abort(late()), cutShort);
  try {
    return await work(limit.signal);
  } finally {
    timer.abort();
  }
};
