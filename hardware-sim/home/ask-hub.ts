import { connect } from "node:net";
import { HubError } from "../../protocol/errors.ts";

/** One line of a hub's answer over its local socket, as docs/configuration.md has it. */
export type AnswerFrame =
  | { readonly data: unknown }
  | { readonly line: string }
  | { readonly error: string }
  | { readonly done: true; readonly exit: number };

/**
 * Ask a running hub as its command line does: one line of JSON asks, lines of JSON answer. Rejects with HubError
 * `diagnostics-unreachable` where nobody answers or the answer breaks off, or with the signal's reason.
 */
export async function* askHub(
  socket: string,
  words: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<AnswerFrame> {
  const [command = "", ...args] = words;
  signal.throwIfAborted();
  const line = connect({ path: socket });
  const stop = (): void => void line.destroy();
  signal.addEventListener("abort", stop, { once: true });
  let failure = "it broke off its answer";
  line.on("error", (error) => {
    failure = error.message;
  });
  line.on("connect", () => line.write(`${JSON.stringify({ command, args, json: true })}\n`));
  let text = "";
  try {
    for await (const chunk of line) {
      text += String(chunk);
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const frame = JSON.parse(text.slice(0, end)) as AnswerFrame;
        text = text.slice(end + 1);
        yield frame;
        if ("done" in frame) return;
      }
    }
  } catch (thrown) {
    failure = thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    signal.removeEventListener("abort", stop);
    line.destroy();
  }
  signal.throwIfAborted();
  throw new HubError("diagnostics-unreachable", `hub at ${socket}: ${failure}; look at its log`);
}
