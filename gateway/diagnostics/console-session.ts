import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { WIDTH, wrap } from "./layout.ts";
import { createLineEditor } from "./line-editor.ts";
import type { Frame, Registry } from "./registry.ts";

/** Keys typed while a command answers; beyond it they are dropped. */
const MOST_TYPED_AHEAD_BYTES = 1024;

const CTRL_C = 0x03;

export interface ConsoleSessionOptions {
  readonly transport: Transport;
  readonly registry: Registry;
  readonly banner: string;
  /** `hub-0042 [3 waiting, online]> `, asked for before each line. */
  readonly prompt: () => string;
}

/** Keys between the port and the command line. */
interface Keys extends AsyncIterable<Uint8Array> {
  push(bytes: Uint8Array): void;
  clear(): void;
  end(): void;
}

const createKeys = (): Keys => {
  let waiting = new Uint8Array(0);
  let ended = false;
  let wake: () => void = () => undefined;
  return {
    push: (bytes) => {
      waiting = Buffer.concat([waiting, bytes]).subarray(0, MOST_TYPED_AHEAD_BYTES);
      wake();
    },
    clear: () => {
      waiting = new Uint8Array(0);
    },
    end: () => {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        while (waiting.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (waiting.length === 0) return;
        const bytes = waiting;
        waiting = new Uint8Array(0);
        yield bytes;
      }
    },
  };
};

const frameText = (frame: Frame): string => {
  if ("line" in frame) return `${frame.line}\r\n`;
  if (!("error" in frame)) return "";
  return wrap(`Error: ${frame.error}`, WIDTH)
    .map((line) => `${line}\r\n`)
    .join("");
};

/**
 * One technician at the other end of a line: echo, prompt, one command at a time, Ctrl-C ends it. Resolves when the
 * transport's bytes end; rejects with `serial-closed` when it fails in mid-answer, or with the signal's reason.
 */
export const runConsoleSession = async (options: ConsoleSessionOptions, signal: AbortSignal): Promise<void> => {
  const { transport, registry, banner, prompt } = options;
  const over = AbortSignal.any([signal, transport.lost]);
  const keys = createKeys();
  let interrupt: AbortController | null = null;

  const write = async (text: string): Promise<void> => {
    if (text !== "") await transport.write(SERIAL_CHANNEL, Buffer.from(text, "utf8"), over);
  };

  const answer = async (line: string): Promise<void> => {
    const words = line.split(" ").filter((one) => one !== "");
    if (words.length === 0) return;
    const pressed = new AbortController();
    interrupt = pressed;
    try {
      for await (const frame of registry.ask(words, false, AbortSignal.any([over, pressed.signal]))) {
        if (pressed.signal.aborted) break;
        await write(frameText(frame));
      }
    } catch (thrown) {
      if (!pressed.signal.aborted) throw thrown;
    } finally {
      interrupt = null;
    }
    if (pressed.signal.aborted) await write("^C\r\n");
  };

  const listen = async (): Promise<void> => {
    for await (const { bytes } of transport.incoming) {
      if (interrupt !== null && bytes.includes(CTRL_C)) {
        interrupt.abort();
        keys.clear();
      } else keys.push(bytes);
    }
    keys.end();
  };

  const work = async (): Promise<void> => {
    const editor = createLineEditor();
    await write(`\r\n${banner}\r\n${prompt()}`);
    for await (const bytes of keys) {
      let shown = "";
      for (const typed of editor.push(bytes)) {
        if (typed.tag === "echo") {
          shown += typed.text;
          continue;
        }
        await write(shown);
        if (typed.tag === "line") await answer(typed.line);
        shown = prompt();
      }
      await write(shown);
    }
  };

  const stopped = (): void => keys.end();
  signal.addEventListener("abort", stopped, { once: true });
  try {
    await Promise.race([work(), listen().then(() => new Promise<never>(() => undefined))]);
  } finally {
    signal.removeEventListener("abort", stopped);
    keys.end();
  }
};
