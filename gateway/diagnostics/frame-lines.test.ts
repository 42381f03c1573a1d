import { describe, expect, it } from "vitest";
import { createLineCutter } from "./frame-lines.ts";

const cut = (chunks: readonly string[], longest = 100): readonly (string | null)[] => {
  const cutter = createLineCutter(longest);
  const lines = chunks.flatMap((chunk) => [...cutter.push(Buffer.from(chunk))]);
  return [...lines, ...cutter.end()];
};

describe("line cutter", () => {
  it("makes the same lines of a text however it is split", () => {
    const text = "one\r\n\ntwo é\nthree";
    const bytes = Buffer.from(text);
    const expected = ["one", "", "two é", "three"];
    expect(cut([text])).toEqual(expected);
    for (let at = 0; at <= bytes.length; at++) {
      const cutter = createLineCutter(100);
      const lines = [...cutter.push(bytes.subarray(0, at)), ...cutter.push(bytes.subarray(at)), ...cutter.end()];
      expect(lines, `split at ${at}`).toEqual(expected);
    }
  });

  it("gives one null for a line over the bound and goes on with the next", () => {
    expect(cut(["12345\n123456\n1\n"], 5)).toEqual(["12345", null, "1"]);
    expect(cut(["123", "456", "789", "\nok"], 5)).toEqual([null, "ok"]);
    expect(cut(["123456789"], 5)).toEqual([null]);
  });

  it("does not hold on to the caller's buffer", () => {
    const cutter = createLineCutter(100);
    const chunk = Buffer.from("abc");
    expect([...cutter.push(chunk)]).toEqual([]);
    chunk.fill("x");
    expect([...cutter.push(Buffer.from("\n"))]).toEqual(["abc"]);
  });

  it("says nothing for a stream that ended with a line end", () => {
    expect(cut(["a\n"])).toEqual(["a"]);
    expect(cut([])).toEqual([]);
  });
});
