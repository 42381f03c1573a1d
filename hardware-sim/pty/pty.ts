import { closeSync, constants, openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import * as nodePty from "node-pty";
import { SerialPort } from "serialport";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { createListenerCheck } from "./listening.ts";

/** Most bytes that wait for a slow reader: 256 kB is 20 s of 115 200 baud. What exceeds it is dropped whole. */
const MAX_WAITING_BYTES = 256 * 1024;
/** The kernel takes about 16 kB; when it is full the next attempt comes after 1, 2, 4, 8, then every 16 ms. */
const FIRST_RETRY_MS = 1;
const LAST_RETRY_MS = 16;

export type WriteOutcome = "written" | "dropped";

export interface PtyOptions {
  /**
   * What becomes of bytes while nobody has the port open. `drop` (default) is what a cable does; a reader counts as
   * present while it holds a lock on the path, as serialport does by default. `keep` hands them to the kernel, which
   * keeps about 16 kB; serialport throws those away when it opens.
   */
  readonly unread?: "drop" | "keep";
  readonly clock?: Clock;
}

/** The far end of a serial line: what a device would hold, while the hub opens `path`. 8-bit clean, no echo. */
export interface Pty extends AsyncDisposable {
  readonly path: string;
  /** For `childStdio`: file descriptors of this process. */
  readonly fds: { readonly master: number; readonly slave: number };
  /** What the reader at `path` sent, in order. Can be iterated once; ends with `close`. Unread bytes hold the sender. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /**
   * Send bytes, in order of the calls. Resolves `written` when the kernel has all of them, `dropped` when nobody
   * listens, too much waits already, or the line is closed meanwhile. A reader sees whole writes or none, unless it
   * goes away in the middle of one.
   */
  write(bytes: Uint8Array): Promise<WriteOutcome>;
  /** Bytes accepted by `write` that the kernel does not have yet. */
  readonly waiting: number;
  /** Pull the cable: the reader at `path` gets a hang-up, and the path is gone. Idempotent. */
  close(): Promise<void>;
}

interface Waiting {
  readonly bytes: Uint8Array;
  offset: number;
  settle(outcome: WriteOutcome): void;
}

/** node-pty exports its binding but does not type it. */
const openPair = (): { master: number; slave: number; pty: string } => {
  const { native } = nodePty as unknown as {
    native: { open(columns: number, rows: number): { master: number; slave: number; pty: string } };
  };
  return native.open(80, 24);
};

/** Opening with serialport is the one way to raw mode that Node has; the terminal keeps it while any end is open. */
const makeRaw = async (path: string): Promise<void> => {
  const port = new SerialPort({ path, baudRate: 115_200, lock: false, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  await new Promise<void>((resolve, reject) => port.close((error) => (error === null ? resolve() : reject(error))));
};

const isFull = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === "EAGAIN";

async function* chunksOf(stream: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (thrown) {
    // Closing the line while it is read: the end of the stream, not a fault.
    if ((thrown as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw thrown;
  }
}

/**
 * Open a pseudo terminal in raw mode. This process holds the reader's end open too, so that the line outlives a
 * reader that is killed, and stays raw. Children inherit the descriptors (node-pty does not set close-on-exec): start
 * them with `childStdio`, or they keep an unplugged line alive.
 */
export const openPty = async (options: PtyOptions = {}): Promise<Pty> => {
  const clock = options.clock ?? createRealClock();
  const pair = openPair();
  const slave = openSync(pair.pty, constants.O_RDWR | constants.O_NOCTTY);
  closeSync(pair.slave);
  await makeRaw(pair.pty);

  const listening = options.unread === "keep" ? (): boolean => true : createListenerCheck(pair.pty);
  const stream = new ReadStream(pair.master);
  const closing = new AbortController();
  const queue: Waiting[] = [];
  let waiting = 0;
  let pumping = false;

  const finish = (outcome: WriteOutcome): void => {
    const done = queue.shift();
    if (done === undefined) return;
    waiting -= done.bytes.length - done.offset;
    done.settle(outcome);
  };

  const dropAll = (): void => {
    while (queue.length > 0) finish("dropped");
  };

  /** Hands the first in the queue to the kernel; false when the kernel has no room. */
  const writeFirst = (first: Waiting): boolean => {
    try {
      const count = writeSync(pair.master, first.bytes, first.offset);
      first.offset += count;
      waiting -= count;
    } catch (thrown) {
      if (isFull(thrown)) return false;
      throw thrown;
    }
    if (first.offset === first.bytes.length) finish("written");
    return true;
  };

  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    try {
      let retry = FIRST_RETRY_MS;
      for (let first = queue[0]; first !== undefined; first = queue[0]) {
        if (!listening()) return dropAll();
        if (writeFirst(first)) {
          retry = FIRST_RETRY_MS;
          continue;
        }
        await clock.sleep(millis(retry), closing.signal);
        retry = Math.min(retry * 2, LAST_RETRY_MS);
      }
    } finally {
      pumping = false;
    }
  };

  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    closing.abort();
    dropAll();
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    stream.destroy();
    await closed;
    closeSync(slave);
  };

  return {
    path: pair.pty,
    fds: { master: pair.master, slave },
    incoming: chunksOf(stream),
    get waiting() {
      return waiting;
    },
    write: (bytes) =>
      new Promise((resolve) => {
        if (closing.signal.aborted || waiting + bytes.length > MAX_WAITING_BYTES) return resolve("dropped");
        if (bytes.length === 0) return resolve("written");
        queue.push({ bytes, offset: 0, settle: resolve });
        waiting += bytes.length;
        // Rejects only when the line closes, which settles every write.
        pump().catch(dropAll);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
};
