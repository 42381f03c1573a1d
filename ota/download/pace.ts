import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";

/** What a source must keep up at the least. There is no limit to the time of a whole transfer: links may be slow. */
export interface Pace {
  readonly leastBytes: number;
  readonly within: Millis;
}

/** 4 KiB a minute, 546 bit/s: below any link that works (GPRS: 9 600), above a peer that dribbles to hold the line. */
export const LEAST_PACE: Pace = { leastBytes: 4096, within: seconds(60) };

/** What comes of `step`, or the reason of the signal: also where the step itself never looks at a signal. */
const orAborted = async <T>(step: Promise<T>, signal: AbortSignal): Promise<T> => {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([step, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};

export interface Paced {
  /** Aborts with `update-unreachable` when the pace is not kept, with the caller's reason, and when the transfer ends. */
  readonly signal: AbortSignal;
  /** What comes of a step of the source, or the signal's reason. */
  orAborted<T>(step: Promise<T>): Promise<T>;
  /** The same chunks, counted against the pace; ends with the signal's reason. */
  counted(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/**
 * Run a transfer from `name` under a watch: it is given up when it stalls, however long it may take otherwise. The
 * transfer waits for its source through `Paced` only, so that it always ends, and has ended when this does.
 */
export const atPace = async <T>(
  clock: Clock,
  pace: Pace,
  name: string,
  signal: AbortSignal,
  transfer: (paced: Paced) => Promise<T>,
): Promise<T> => {
  const stalled = new AbortController();
  const ended = new AbortController();
  let received = 0;
  const watch = async (): Promise<void> => {
    for (let before = 0; ; before = received) {
      await clock.sleep(pace.within, ended.signal);
      if (received - before >= pace.leastBytes) continue;
      const sentence = `update transfer: ${name} sent ${received - before} bytes in ${pace.within / 1000} s, and ${pace.leastBytes} are the least; it is tried again later`;
      return stalled.abort(new HubError("update-unreachable", sentence));
    }
  };
  const either = AbortSignal.any([signal, stalled.signal, ended.signal]);
  const counted = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await orAborted(chunks.next(), either);
        if (next.done === true) return;
        received += next.value.length;
        yield next.value;
      }
    } finally {
      // Not awaited: a source that hangs would hang its closing too. Its own errors came with `next`.
      chunks.return?.().catch(() => undefined);
    }
  };
  const watching = watch().catch((thrown: unknown) => {
    if (!ended.signal.aborted) throw thrown;
  });
  try {
    return await transfer({ signal: either, orAborted: (step) => orAborted(step, either), counted });
  } finally {
    ended.abort();
    await watching;
  }
};
