import { writeSync } from "node:fs";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { ViewSize } from "./render-view.ts";

/** At most five pictures a second. */
const DRAW_EVERY = millis(200);
/** Alternate screen, no cursor, no wrapping of long lines; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
/** Before a line, not after it: behind a full line the cursor still stands on its last character and would erase it. */
const CLEAR_LINE = "\u001b[2K";
const CTRL_C = "\u0003";

/** A terminal in use. Disposing of it gives the screen and the keyboard back. */
export interface Screen extends AsyncDisposable {
  readonly size: ViewSize;
}

export interface ScreenOptions {
  readonly input: typeof process.stdin;
  readonly output: typeof process.stdout;
  readonly clock: Clock;
  /** Called for each picture. */
  readonly draw: (size: ViewSize) => readonly string[];
  /** One key; Ctrl-C comes as `q`. */
  readonly key: (key: string) => void;
}

/**
 * Take over a terminal. It is given back when disposed of, and also when the process ends in any other way, so that a
 * crash does not leave a person in a raw terminal: then by a synchronous write, the last thing that still works.
 */
export const openScreen = (options: ScreenOptions): Screen => {
  const { input, output, clock } = options;
  const closing = new AbortController();
  let open = true;

  const size = (): ViewSize => ({ columns: output.columns ?? 80, rows: output.rows ?? 24 });
  const paint = (): void => {
    const lines = options.draw(size()).map((line) => CLEAR_LINE + line);
    output.write(HOME + lines.join("\r\n"));
  };
  const onData = (data: Buffer): void => {
    for (const key of data.toString("utf8")) options.key(key === CTRL_C ? "q" : key.toLowerCase());
  };
  const leave = (): void => {
    if (!open) return;
    open = false;
    input.setRawMode(false);
    writeSync(output.fd, LEAVE);
  };

  process.on("exit", leave);
  output.write(ENTER);
  input.setRawMode(true);
  input.resume();
  input.on("data", onData);

  const painting = (async () => {
    for (;;) {
      paint();
      await clock.sleep(DRAW_EVERY, closing.signal);
    }
  })().catch((thrown) => {
    if (!closing.signal.aborted) throw thrown;
  });

  return {
    get size() {
      return size();
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      input.off("data", onData);
      input.pause();
      leave();
      process.off("exit", leave);
      await painting;
    },
  };
};
