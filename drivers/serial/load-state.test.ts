import { describe, expect, it } from "vitest";
import { decodeAndWeight } from "../decode/aandd-line.ts";
import { type LoadState, nextLoad } from "./load-state.ts";

/** Lines at their times in milliseconds; the answer is which of them are readings. */
const readingsOf = (lines: readonly (readonly [number, string])[]): readonly string[] => {
  let state: LoadState = null;
  const taken: string[] = [];
  for (const [at, line] of lines) {
    const decoded = decodeAndWeight(Buffer.from(`${line}\r\n`));
    if (decoded.tag !== "ok") throw new Error(`test: ${line} does not decode`);
    const next = nextLoad(state, decoded.record, at);
    state = next.state;
    if (next.take) taken.push(`${at} ${line}`);
  }
  return taken;
};

const repeated = (line: string, from: number, to: number, every: number): (readonly [number, string])[] => {
  const lines: (readonly [number, string])[] = [];
  for (let at = from; at < to; at += every) lines.push([at, line]);
  return lines;
};

describe("load on a scale", () => {
  it("is a reading once while stream mode repeats it", () => {
    expect(readingsOf(repeated("ST,+00082.70 kg", 0, 20_000, 100))).toEqual(["0 ST,+00082.70 kg"]);
  });

  it("is a reading at each line of a scale that prints one line a weighing, also of the same weight", () => {
    expect(
      readingsOf([
        [0, "ST,+00082.70 kg"],
        [86_400_000, "ST,+00082.70 kg"],
      ]),
    ).toHaveLength(2);
  });

  it("is the same load while a person breathes", () => {
    expect(
      readingsOf([
        [0, "ST,+00082.70 kg"],
        [100, "ST,+00082.75 kg"],
        [200, "ST,+00082.65 kg"],
      ]),
    ).toEqual(["0 ST,+00082.70 kg"]);
  });

  it("is another one when the weight changes by more than half a kilogram", () => {
    expect(
      readingsOf([
        [0, "ST,+00082.70 kg"],
        [100, "ST,+00061.20 kg"],
      ]),
    ).toHaveLength(2);
  });

  it("does not creep: small steps away from the first line end at a new load", () => {
    const creeping = Array.from(
      { length: 8 },
      (_, step) => [step * 100, `ST,+000${(80 + step * 0.1).toFixed(2)} kg`] as const,
    );
    expect(readingsOf(creeping)).toEqual(["0 ST,+00080.00 kg", "600 ST,+00080.60 kg"]);
  });

  it.each([
    ["unstable", "US,+00040.00 kg"],
    ["overload", "OL,+9999999 kg"],
    ["zero", "ST,+00000.00 kg"],
    ["residue", "ST,+00000.15 kg"],
    ["below zero", "ST,-00000.50 kg"],
    ["tare", "ST,TR,+00012.00 kg"],
  ])("begins anew after a line that is %s, which itself is no reading", (_name, line) => {
    expect(
      readingsOf([
        [0, "ST,+00082.70 kg"],
        [100, line],
        [200, "ST,+00082.70 kg"],
      ]),
    ).toEqual(["0 ST,+00082.70 kg", "200 ST,+00082.70 kg"]);
  });

  it.each(["QT,+00000012 PC", "ST,+00082.70  %"])("is no body weight in %s", (line) => {
    expect(readingsOf([[0, line]])).toEqual([]);
  });

  it("weighs in grams and pounds too", () => {
    expect(readingsOf([[0, "ST,+00300.00  g"]])).toEqual([]);
    expect(readingsOf([[0, "ST,+03420.00  g"]])).toHaveLength(1);
    expect(readingsOf([[0, "ST,+00182.30 lb"]])).toHaveLength(1);
  });
});
