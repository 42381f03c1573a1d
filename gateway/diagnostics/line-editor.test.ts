import { describe, expect, it } from "vitest";
import { createLineEditor, LONGEST_LINE } from "./line-editor.ts";

const type = (keys: string | Uint8Array): { readonly shown: string; readonly events: readonly string[] } => {
  const editor = createLineEditor();
  let shown = "";
  const events: string[] = [];
  for (const typed of editor.push(typeof keys === "string" ? Buffer.from(keys, "latin1") : keys)) {
    if (typed.tag === "echo") shown += typed.text;
    else events.push(typed.tag === "line" ? `line ${typed.line}` : typed.tag);
  }
  return { shown, events };
};

describe("line editor", () => {
  it("echoes what is typed and hands out the line at its end", () => {
    expect(type("status\r")).toEqual({ shown: "status\r\n", events: ["line status"] });
  });

  it("takes CR, LF and CR LF each as one line end", () => {
    expect(type("a\rb\nc\r\nd\n\r").events).toEqual(["line a", "line b", "line c", "line d", "line "]);
  });

  it("rubs out with backspace and delete, and rings where there is nothing left", () => {
    expect(type("statt\u0008us\u007fs\r")).toEqual({ shown: "statt\b \bus\b \bs\r\n", events: ["line status"] });
    expect(type("\u007f").shown).toBe("\u0007");
  });

  it("clears the line with Ctrl-U and abandons it with Ctrl-C", () => {
    expect(type("abc\u0015link\r")).toEqual({ shown: `abc${"\b \b".repeat(3)}link\r\n`, events: ["line link"] });
    expect(type("abc\u0003link\r").events).toEqual(["interrupt", "line link"]);
  });

  it("drops cursor keys whole and rings for what has no place in a command", () => {
    expect(type("a\u001b[Ab\u001b[1;5Cc\u001bOAd\r").events).toEqual(["line abcd"]);
    expect(type("a\u00e9\u0000b\r")).toEqual({ shown: "a\u0007\u0007b\r\n", events: ["line ab"] });
  });

  it("bounds the line and rings for the rest", () => {
    const { shown, events } = type(`${"x".repeat(LONGEST_LINE + 3)}\r`);
    expect(events).toEqual([`line ${"x".repeat(LONGEST_LINE)}`]);
    expect(shown.endsWith("\u0007\u0007\u0007\r\n")).toBe(true);
  });

  it("stays well with every byte there is, in any order", () => {
    const all = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 167 + (i >> 8)) & 0xff);
    expect(type(all).events.length).toBeGreaterThan(0);
  });
});
