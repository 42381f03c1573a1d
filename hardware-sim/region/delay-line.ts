import { Duplex } from "node:stream";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";

/** Most bytes on the way; a writer waits where there are more, as behind a full window. */
const MOST_BYTES = 256 * 1024;

/** What is written comes out again, in order, each chunk `delay` later. Its end is delayed too. */
export const createDelayLine = (clock: Clock, delay: Millis): Duplex => {
  const under: { readonly chunk: Buffer | null; readonly due: number }[] = [];
  const closing = new AbortController();
  let bytes = 0;
  let resume: (() => void) | null = null;
  let moving = false;

  const move = async (): Promise<void> => {
    for (let next = under.shift(); next !== undefined; next = under.shift()) {
      await clock.sleep(millis(Math.max(0, next.due - clock.elapsed())), closing.signal);
      line.push(next.chunk);
      bytes -= next.chunk?.length ?? 0;
      const go = resume;
      resume = null;
      go?.();
    }
    moving = false;
  };
  const put = (chunk: Buffer | null): void => {
    under.push({ chunk, due: clock.elapsed() + delay });
    bytes += chunk?.length ?? 0;
    if (moving) return;
    moving = true;
    // The only rejection is the end of a sleep, when the line is destroyed.
    void move().catch(() => undefined);
  };

  const line = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      put(chunk);
      if (bytes < MOST_BYTES) done();
      else resume = done;
    },
    final: (done) => {
      put(null);
      done();
    },
    destroy: (error, done) => {
      closing.abort();
      done(error);
    },
  });
  return line;
};
