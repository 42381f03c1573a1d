import { once } from "node:events";
import { lstat, mkdir, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { seconds } from "../../protocol/time.ts";
import { fileTrouble } from "../config/file-trouble.ts";
import { createLineCutter } from "./frame-lines.ts";
import type { Frame, Registry } from "./registry.ts";
import { LONGEST_REQUEST_BYTES, parseRequest, type SocketRequest } from "./socket-request.ts";

/** A technician and some scripts at once. */
const MOST_CONNECTIONS = 8;

/** From connection to the end of the answer; an asker that stalls is cut off. */
const LONGEST_EXCHANGE = seconds(60);

/** Exit codes of `done` (design operations.md). */
const USAGE = 2;
const BUSY = 5;

/** Only the hub's own user may ask: the file gets mode 0600. */
const OWNER_ONLY = 0o177;

export interface DiagnosticSocketOptions {
  readonly path: string;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Called when the socket can be asked. */
  readonly onListening?: () => void;
}

export interface DiagnosticSocket {
  /**
   * Serve until `signal` aborts; the file is then removed. Rejects with HubError `invalid-config` where the path cannot
   * be served: another hub answers there, another file is in the way, the folder cannot be written.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** True where a hub serves this socket now. */
export const hubAnswersAt = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });

/** Remove the socket file of a hub that is gone. */
const removeStale = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  const refuse = (why: string): HubError => new HubError("invalid-config", `diagnostics socket ${path}: ${why}`);
  if (!found.isSocket()) throw refuse("a file of that name is in the way; move it away");
  if (await hubAnswersAt(path)) throw refuse("another hub answers there; stop it or choose another path");
  await unlink(path);
};

const listen = async (server: Server, path: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await removeStale(path);
    // The file is made inside this synchronous call, so that it is never open to others, not even for a moment.
    const before = process.umask(OWNER_ONLY);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
    await once(server, "listening");
  } catch (thrown) {
    if (thrown instanceof HubError) throw thrown;
    const message = `diagnostics socket ${path}: ${fileTrouble(thrown)}; choose a path that the hub's user can write`;
    throw new HubError("invalid-config", message, { cause: thrown });
  }
};

/** The first line of a connection as a request; null: not a request; undefined: the asker went away. */
const readRequest = async (socket: Socket): Promise<SocketRequest | null | undefined> => {
  const cutter = createLineCutter(LONGEST_REQUEST_BYTES);
  return new Promise((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      for (const line of cutter.push(chunk)) return resolve(parseRequest(line));
    });
    socket.once("close", () => resolve(undefined));
  });
};

const exchange = async (socket: Socket, registry: Registry, signal: AbortSignal): Promise<void> => {
  /** False when the asker is gone. */
  const send = async (frame: Frame): Promise<boolean> => {
    if (!socket.writable) return false;
    if (socket.write(`${JSON.stringify(frame)}\n`)) return true;
    return new Promise((resolve) => {
      socket.once("drain", () => resolve(true));
      socket.once("close", () => resolve(false));
    });
  };
  const request = await readRequest(socket);
  if (request === undefined) return;
  if (request === null) {
    await send({ error: 'expected one line such as {"command":"status","args":[],"json":true}' });
    await send({ done: true, exit: USAGE });
  } else {
    const words = [...request.command.split(/\s+/).filter((one) => one !== ""), ...request.args];
    for await (const frame of registry.ask(words, request.json, signal)) if (!(await send(frame))) break;
  }
  socket.end();
};

/** Diagnostics on a local unix socket: one line of JSON asks, lines of JSON answer, then the connection closes. */
export const createDiagnosticSocket = (options: DiagnosticSocketOptions): DiagnosticSocket => ({
  run: async (signal) => {
    const { path, registry, clock } = options;
    const open = new Map<Socket, Promise<void>>();

    const serve = async (socket: Socket): Promise<void> => {
      // A reset by the asker is followed by `close`, which ends the exchange; there is nobody to tell.
      socket.on("error", () => undefined);
      const over = new AbortController();
      const either = AbortSignal.any([signal, over.signal]);
      either.addEventListener("abort", () => socket.destroy(), { once: true });
      const deadline = clock.sleep(LONGEST_EXCHANGE, either).then(
        () => socket.destroy(),
        () => undefined,
      );
      if (open.size >= MOST_CONNECTIONS) {
        const frames: readonly Frame[] = [
          { error: `the hub answers ${MOST_CONNECTIONS} askers already; try again` },
          { done: true, exit: BUSY },
        ];
        socket.end(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(""));
        socket.resume();
        await new Promise<void>((resolve) => socket.once("close", () => resolve()));
      } else await exchange(socket, registry, either);
      over.abort();
      await deadline;
    };

    let failed: (thrown: unknown) => void = () => undefined;
    const broken = new Promise<never>((_, reject) => {
      failed = reject;
    });
    const server = createServer((socket) => {
      const served = serve(socket).catch(failed);
      open.set(
        socket,
        served.finally(() => open.delete(socket)),
      );
    });
    await listen(server, path);
    options.onListening?.();
    try {
      const stopped = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([stopped, broken]);
    } finally {
      // Closing also removes the socket file.
      server.close();
      for (const socket of open.keys()) socket.destroy();
      await Promise.allSettled(open.values());
    }
  },
});
