import type { ChannelId } from "../../protocol/ids.ts";
import type { Received } from "../../protocol/ports/transport.ts";
import type { Arrival } from "../../protocol/time.ts";

/** A value before it is known which characteristic its handle belongs to. */
export interface RawValue {
  readonly handle: number;
  readonly bytes: Uint8Array;
  readonly at: Arrival;
  confirm(): void;
}

/**
 * Values between the radio and the session: 512 of at most 244 bytes, so 125 kB a connection. A session commits each
 * before the next; a stream of 1 a second is held for 8 minutes of a slow disk.
 */
export const INBOX_LIMIT = 512;

export interface ValueInbox {
  /** False where it is full: the value is not kept. */
  put(value: RawValue): boolean;
  /** Discovery is done: hand out what came early, and later values as they come. */
  open(channelOf: (handle: number) => ChannelId | null): void;
  /** Nothing comes any more; `incoming` ends after what it holds. */
  end(): void;
  readonly incoming: AsyncIterable<Received>;
}

/**
 * Keeps what a sensor sends from the first moment on. A bonded sensor remembers its subscription and sends before the
 * hub knows its characteristics. A value of an unknown handle is nobody's: it is confirmed, and dropped.
 */
export const createValueInbox = (): ValueInbox => {
  const early: RawValue[] = [];
  const ready: Received[] = [];
  let channelOf: ((handle: number) => ChannelId | null) | null = null;
  let ended = false;
  let wake: (() => void) | null = null;

  const signal = (): void => {
    wake?.();
    wake = null;
  };

  const deliver = ({ handle, bytes, at, confirm }: RawValue): void => {
    const channel = channelOf?.(handle) ?? null;
    if (channel === null) {
      confirm();
    } else {
      ready.push({ channel, bytes, at, confirm });
      signal();
    }
  };

  async function* values(): AsyncGenerator<Received> {
    for (;;) {
      const next = ready.shift();
      if (next !== undefined) yield next;
      else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  return {
    put: (value) => {
      if (ended || early.length + ready.length >= INBOX_LIMIT) return false;
      if (channelOf === null) early.push(value);
      else deliver(value);
      return true;
    },
    open: (given) => {
      channelOf = given;
      for (const value of early.splice(0)) deliver(value);
    },
    end: () => {
      ended = true;
      signal();
    },
    incoming: values(),
  };
};
