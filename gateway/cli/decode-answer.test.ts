import { describe, expect, it } from "vitest";
import { answerHex, answerLine, type Decoders } from "./decode-answer.ts";
import { decodeText } from "./decode-text.ts";

/** Two kinds are enough to see how questions are answered; the drivers' own tests see to the rest. */
const decoders: Decoders = {
  kinds: ["ble.2a19", "ble.2a37"],
  decode: (kind, bytes) => {
    if (kind !== "ble.2a19") return null;
    return bytes.length === 1 ? { batteryPercent: bytes[0] } : { outcome: "error", reason: "truncated" };
  },
};

describe("answerHex", () => {
  it("takes hex with or without separators and in either case", () => {
    for (const hex of ["64", "6 4", " 64\n", "6:4"]) {
      expect(answerHex(decoders, "ble.2a19", hex)).toEqual({ asked: true, answer: { batteryPercent: 100 } });
    }
  });

  it("passes on what the driver says of bad bytes", () => {
    expect(answerHex(decoders, "ble.2a19", "")).toEqual({
      asked: true,
      answer: { outcome: "error", reason: "truncated" },
    });
  });

  it.each([
    ["ble.2a19", "6", "format", "1 digits is not a whole number of bytes"],
    ["ble.2a19", "zz", "format", 'hex "z" at digit 1'],
    ["ble.2a18", "64", "unsupported", "did you mean ble.2a19?"],
    ["x".repeat(5000), "64", "unsupported", "unknown kind"],
  ])("answers the question %.10s %s with %s", (kind, hex, reason, detail) => {
    const { asked, answer } = answerHex(decoders, kind, hex);
    expect(asked).toBe(false);
    expect(answer).toEqual({ outcome: "error", reason, detail: expect.stringContaining(detail) });
    expect(String(answer.detail).length).toBeLessThan(300);
  });
});

describe("answerLine", () => {
  it("answers a question of one line", () => {
    expect(answerLine(decoders, '{"kind":"ble.2a19","hex":"64","id":"v1"}', 100)).toEqual({ batteryPercent: 100 });
  });

  it.each([null, "", "null", "7", "[]", '"x"', "{", '{"kind":"ble.2a19"}', '{"kind":7,"hex":"64"}', '{"hex":"64"}'])(
    "answers %j with an error and its reason",
    (line) => {
      expect(answerLine(decoders, line, 100)).toEqual({
        outcome: "error",
        reason: expect.stringMatching(/^(format|overlong)$/),
        detail: expect.any(String),
      });
    },
  );
});

describe("decodeText", () => {
  it("puts one field on a line, names in one column, inner ones with their path", () => {
    const answer = {
      systolic: 120,
      unit: "mm[Hg]",
      time: { local: null, year: 2026 },
      statusFlags: ["a", "b"],
      none: [],
      records: [{ a: 1 }],
    };
    expect(decodeText(answer)).toBe(
      [
        "systolic      120",
        "unit          mm[Hg]",
        "time.local    -",
        "time.year     2026",
        "statusFlags   a, b",
        "none          none",
        "records[0].a  1",
        "",
      ].join("\n"),
    );
  });
});
