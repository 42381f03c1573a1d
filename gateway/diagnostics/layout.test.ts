import { describe, expect, it } from "vitest";
import { labelled, spanText, table, wrap } from "./layout.ts";

describe("layout", () => {
  it("breaks a sentence at spaces and a word that is too long inside", () => {
    expect(wrap("check the cable and the port", 10)).toEqual(["check the", "cable and", "the port"]);
    expect(wrap("0123456789abc d", 10)).toEqual(["0123456789", "abc d"]);
    expect(wrap("", 10)).toEqual([""]);
    expect(wrap("0123456789", 10)).toEqual(["0123456789"]);
  });

  it("keeps every line of a long text within 80 columns, continued under itself", () => {
    const lines = labelled("certificate", "word ".repeat(60), 13);
    expect(lines.length).toBeGreaterThan(3);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^certificate {2}word/);
    expect(lines[1]).toMatch(/^ {13}word/);
  });

  it("aligns a table and cuts what goes beyond the screen", () => {
    const rows = table([
      ["A", "LONGER", "C"],
      ["aaaa", "b", "c".repeat(100)],
    ]);
    expect(rows[0]).toBe("A     LONGER  C");
    expect(rows[1]).toHaveLength(80);
  });

  it.each([
    [0, "0 s"],
    [119, "119 s"],
    [120, "2 min"],
    [7199, "119 min"],
    [7200, "2 h 0 min"],
    [2 * 86_400, "2 days"],
    [-5, "0 s"],
  ])("says %i seconds as %s", (seconds, words) => {
    expect(spanText(seconds)).toBe(words);
  });
});
