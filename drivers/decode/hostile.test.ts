import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vectors from "../../tests/vectors/vectors.json" with { type: "json" };
import { decodeKinds, decodeView, type JsonValue } from "./kinds.ts";

const samples = new Map<string, Uint8Array[]>();
for (const { kind, hex } of vectors) {
  const known = samples.get(kind) ?? [];
  known.push(Uint8Array.from(Buffer.from(hex, "hex")));
  samples.set(kind, known);
}

const RUNS = 1000;

/** Random octets, or a real value with some octets replaced: random octets alone rarely pass a first check. */
const hostileBytes = (kind: string): fc.Arbitrary<Uint8Array> => {
  const random = fc.uint8Array({ maxLength: 80 });
  const known = samples.get(kind);
  if (known === undefined) return random;
  const damaged = fc
    .tuple(
      fc.constantFrom(...known),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 6 }),
    )
    .map(([sample, changes, tail]) => {
      const bytes = Uint8Array.from([...sample, ...tail]);
      for (const [at, octet] of changes) if (bytes.length > 0) bytes[at % bytes.length] = octet;
      return bytes;
    });
  return fc.oneof(random, damaged);
};

const everyNumberIsFinite = (value: JsonValue): boolean => {
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value !== "object" || Object.values(value).every(everyNumberIsFinite);
};

describe("hostile bytes", () => {
  for (const kind of decodeKinds) {
    it(`answers any bytes of ${kind} with plain JSON and never throws`, () => {
      fc.assert(
        fc.property(hostileBytes(kind), (bytes) => {
          const before = Uint8Array.from(bytes);
          const shown = decodeView(kind, bytes);
          expect(bytes).toEqual(before);
          if (shown === null) throw new Error(`${kind} is listed and unknown`);
          expect(everyNumberIsFinite(shown)).toBe(true);
          expect(JSON.parse(JSON.stringify(shown))).toStrictEqual(shown);
          if (shown.outcome === "error") expect(shown.detail).not.toBe("");
        }),
        { numRuns: RUNS },
      );
    });
  }
});
