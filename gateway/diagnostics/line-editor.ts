/** What the keys typed so far mean, in order. `echo` is for the terminal at once. */
export type Typed =
  | { readonly tag: "echo"; readonly text: string }
  | { readonly tag: "line"; readonly line: string }
  | { readonly tag: "interrupt" };

/** Turns what a terminal sends into lines. Holds at most one line of 256 characters. */
export interface LineEditor {
  push(bytes: Uint8Array): Iterable<Typed>;
}

/** The longest command has some 20 characters; the rest of a longer line is refused with a bell. */
export const LONGEST_LINE = 256;

const BELL = "\u0007";
const NEW_LINE = "\r\n";
const RUB_OUT = "\b \b";

const KEY = { interrupt: 0x03, backspace: 0x08, lf: 0x0a, cr: 0x0d, kill: 0x15, escape: 0x1b, delete: 0x7f } as const;

/** Where the editor is inside an escape sequence of cursor keys (ECMA-48): they are dropped whole. */
type Escape = "none" | "escape" | "sequence";

const echo = (text: string): Typed => ({ tag: "echo", text });

export const createLineEditor = (): LineEditor => {
  let line = "";
  let inside: Escape = "none";
  let afterCr = false;

  const inEscape = (byte: number): boolean => {
    if (inside === "none") return false;
    if (inside === "escape") inside = byte === 0x5b || byte === 0x4f ? "sequence" : "none";
    else if (byte >= 0x40 && byte <= 0x7e) inside = "none";
    return true;
  };

  const typed = function* (byte: number): Iterable<Typed> {
    const lfOfCrLf = afterCr && byte === KEY.lf;
    afterCr = byte === KEY.cr;
    if (lfOfCrLf || inEscape(byte)) return;
    switch (byte) {
      case KEY.cr:
      case KEY.lf: {
        const done = line;
        line = "";
        yield echo(NEW_LINE);
        yield { tag: "line", line: done };
        return;
      }
      case KEY.backspace:
      case KEY.delete:
        yield echo(line === "" ? BELL : RUB_OUT);
        line = line.slice(0, -1);
        return;
      case KEY.kill:
        yield echo(RUB_OUT.repeat(line.length));
        line = "";
        return;
      case KEY.interrupt:
        line = "";
        yield echo(`^C${NEW_LINE}`);
        yield { tag: "interrupt" };
        return;
      case KEY.escape:
        inside = "escape";
        return;
      default:
        if (byte < 0x20 || byte > 0x7e || line.length >= LONGEST_LINE) yield echo(BELL);
        else {
          line += String.fromCharCode(byte);
          yield echo(String.fromCharCode(byte));
        }
    }
  };

  return {
    *push(bytes) {
      for (const byte of bytes) yield* typed(byte);
    },
  };
};
