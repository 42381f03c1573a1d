import type { HubError } from "../../protocol/errors.ts";
import type { Received } from "../../protocol/ports/transport.ts";

/** Bytes between a transport and its session: handed out in order, each once, and bounded. */
export interface Incoming extends AsyncIterable<Received> {
  /** False where the bytes do not fit any more: nothing was kept, and the connection has to end. */
  push(received: Received): boolean;
  /** No more will come. What is buffered is still handed out. */
  end(): void;
}

/**
 * One minute of a 9600 baud line (960 bytes/s = 57 600) and a bit: longer than any commit to a slow SD card takes, so
 * an overrun means a session that hangs.
 */
export const MAX_BUFFERED_BYTES = 65_536;

const DONE: IteratorResult<Received> = { done: true, value: undefined };

export const createIncoming = (secondReader: () => HubError): Incoming => {
  const waiting: Received[] = [];
  let bytes = 0;
  let ended = false;
  let iterated = false;
  let wake: (() => void) | null = null;
  const signalChange = (): void => {
    wake?.();
    wake = null;
  };

  const next = async (): Promise<IteratorResult<Received>> => {
    for (;;) {
      const received = waiting.shift();
      if (received !== undefined) {
        bytes -= received.bytes.length;
        return { done: false, value: received };
      }
      if (ended) return DONE;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  return {
    push: (received) => {
      if (ended) return true;
      if (bytes + received.bytes.length > MAX_BUFFERED_BYTES) return false;
      waiting.push(received);
      bytes += received.bytes.length;
      signalChange();
      return true;
    },
    end: () => {
      ended = true;
      signalChange();
    },
    [Symbol.asyncIterator]: () => {
      if (iterated) throw secondReader();
      iterated = true;
      return { next, return: async () => DONE };
    },
  };
};
