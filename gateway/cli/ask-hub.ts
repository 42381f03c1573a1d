import { connect, type Socket } from "node:net";
import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { seconds } from "../../protocol/time.ts";
import { fileTrouble } from "../config/file-trouble.ts";
import { createLineCutter } from "../diagnostics/frame-lines.ts";
import type { Frame } from "../diagnostics/registry.ts";
import { LONGEST_FRAME_BYTES, type SocketRequest } from "../diagnostics/socket-request.ts";

/** Longest silence of a hub that has been asked. */
const LONGEST_SILENCE = seconds(30);

/** Why the hub could not be asked. `denied`: the socket belongs to another user. */
export type Unasked = { readonly tag: "unreachable" | "denied"; readonly sentence: string };

const unasked = (path: string, thrown: unknown): Unasked => {
  const code = String((thrown as { code?: unknown } | null)?.code);
  if (code === "EACCES" || code === "EPERM") {
    return { tag: "denied", sentence: `${path}: permission denied; run the command as the hub's user, or with sudo` };
  }
  const found = code === "ECONNREFUSED" ? "its hub has stopped" : fileTrouble(thrown);
  return {
    tag: "unreachable",
    sentence: `no hub answers at ${path} (${found}); start it with hemhub run --config FILE, or name its socket with --socket`,
  };
};

const isFrame = (value: unknown): value is Frame =>
  typeof value === "object" &&
  value !== null &&
  ("line" in value || "data" in value || "error" in value || "done" in value);

const parseFrame = (line: string | null): Frame => {
  try {
    const frame: unknown = line === null ? null : JSON.parse(line);
    if (isFrame(frame)) return frame;
  } catch {
    // Not JSON: not a hub's answer either.
  }
  throw new HubError("diagnostics-unreachable", "what answers at the socket is not a hub; name another with --socket");
};

const open = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });

/**
 * Ask the hub that serves the socket at `path`; yields its frames up to `done`, or one `unasked`. Throws HubError
 * `diagnostics-unreachable` when the answer breaks off or the hub is silent for 30 s.
 */
export async function* askHub(
  path: string,
  request: SocketRequest,
  clock: Clock,
): AsyncIterable<Frame | { readonly unasked: Unasked }> {
  let socket: Socket;
  try {
    socket = await open(path);
  } catch (thrown) {
    yield { unasked: unasked(path, thrown) };
    return;
  }
  const over = new AbortController();
  let heard = clock.elapsed();
  const watchdog = (async (): Promise<void> => {
    while (clock.elapsed() - heard < LONGEST_SILENCE) await clock.sleep(seconds(1), over.signal);
    socket.destroy(new Error(`silent for ${LONGEST_SILENCE / 1000} s`));
  })().catch(() => undefined);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const cutter = createLineCutter(LONGEST_FRAME_BYTES);
    try {
      for await (const chunk of socket) {
        heard = clock.elapsed();
        for (const line of cutter.push(chunk as Uint8Array)) {
          const frame = parseFrame(line);
          yield frame;
          if ("done" in frame) return;
        }
      }
    } catch (thrown) {
      if (thrown instanceof HubError) throw thrown;
      const message = `the hub at ${path} stopped answering (${fileTrouble(thrown)}); look at its log`;
      throw new HubError("diagnostics-unreachable", message, { cause: thrown });
    }
    throw new HubError("diagnostics-unreachable", `the hub at ${path} broke off its answer; look at its log`);
  } finally {
    over.abort();
    await watchdog;
    socket.destroy();
  }
}
