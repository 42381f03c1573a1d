import { describe, expect, it } from "vitest";
import vectors from "../../tests/vectors/vectors.json" with { type: "json" };
import { decodeKinds, decodeView, type JsonValue } from "./kinds.ts";

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly hex: string;
  readonly expected: { readonly [key: string]: JsonValue };
}

const all = vectors as unknown as readonly Vector[];
const bytesOf = (vector: Vector): Uint8Array => Uint8Array.from(Buffer.from(vector.hex, "hex"));
const view = (vector: Vector) => decodeView(vector.kind, bytesOf(vector));

/** Kinds whose bytes carry a sum or a CRC over all that matters. */
const PROTECTED: ReadonlySet<string> = new Set([
  "serial.nonin.df2.frame",
  "serial.lifescan.ultra2.line",
  "serial.lifescan.binary.frame",
  "serial.taidoc.frame",
  "serial.astm.frame",
  "serial.tanita.line",
  "ble.2aaa",
]);

const isOk = (shown: { readonly [key: string]: JsonValue } | null): boolean =>
  shown !== null && shown.outcome !== "error";

/** Numbers of a view by their path, without the counters of what a stream lost. */
const numbersOf = (value: JsonValue, path = ""): [string, number][] => {
  if (typeof value === "number") return [[path, value]];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value)
    .filter(([key]) => !["trailing", "framesDropped", "framingErrors", "leadingFramesSkipped"].includes(key))
    .flatMap(([key, inner]) => numbersOf(inner as JsonValue, `${path}/${key}`));
};

describe("published vectors", () => {
  for (const kind of new Set(all.map((vector) => vector.kind))) {
    it(`decodes every vector of ${kind} as published`, () => {
      for (const vector of all.filter((one) => one.kind === kind)) {
        expect(view(vector), vector.id).toMatchObject(vector.expected);
      }
    });
  }

  it("has a decoder for every kind that is published", () => {
    expect(decodeKinds).toEqual(expect.arrayContaining([...new Set(all.map((vector) => vector.kind))]));
  });

  it("says null for a kind that it does not know", () => {
    expect(decodeView("ble.ffff", new Uint8Array(4))).toBeNull();
    expect(decodeView("toString", new Uint8Array(4))).toBeNull();
  });

  it("keeps 2 and 2.00 apart", () => {
    expect(decodeView("ble.sfloat", Uint8Array.of(0x02, 0x00))).toEqual({ value: 2, decimals: 0 });
    expect(decodeView("ble.sfloat", Uint8Array.of(0xc8, 0xe0))).toEqual({ value: 2, decimals: 2 });
  });
});

describe("damaged vectors", () => {
  // The CRC of fewer bytes is another CRC; a record count of one octet is allowed, so a cut one is a smaller count; a
  // quirk is known by its last byte.
  const cuttable = all.filter(
    (vector) => vector.kind !== "crc16.mcrf4xx" && vector.id !== "v091" && vector.expected.outcome !== "quirk",
  );

  it("makes of a cut value an error or a shorter record with the same numbers, never another number", () => {
    let errors = 0;
    for (const vector of cuttable) {
      const whole = view(vector);
      if (!isOk(whole)) continue;
      const known = new Map(numbersOf(whole));
      const bytes = bytesOf(vector);
      for (let length = 0; length < bytes.length; length++) {
        const cut = decodeView(vector.kind, bytes.subarray(0, length));
        if (!isOk(cut)) errors += 1;
        else
          for (const [path, value] of numbersOf(cut))
            expect(known.get(path), `${vector.id} ${length} ${path}`).toBe(value);
      }
    }
    expect(errors).toBeGreaterThan(500);
  });

  it("shows no pulse, user or status of a big-endian payload that lost the byte by which it is known", () => {
    for (const vector of all.filter((one) => one.expected.outcome === "quirk")) {
      const cut = decodeView(vector.kind, bytesOf(vector).slice(0, -1));
      expect(cut, vector.id).toMatchObject({ pulseImplausible: true, reservedFlags: 0x40 });
      expect(Object.keys(cut ?? {}), vector.id).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(pulse|userId|status|statusFlags)$/)]),
      );
    }
  });

  it("never throws on a flipped bit, and finds every one that a checksum covers", () => {
    let found = 0;
    for (const vector of all) {
      const whole = view(vector);
      const bytes = bytesOf(vector);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Uint8Array.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const shown = decodeView(vector.kind, flipped);
        expect(shown).not.toBeNull();
        if (!PROTECTED.has(vector.kind) || !isOk(whole)) continue;
        // A flip outside the checked octets, such as in the CR, or that only changes the case of a hex digit, is harmless.
        if (isOk(shown)) expect(shown, `${vector.id} bit ${bit}`).toEqual(whole);
        else found += 1;
      }
    }
    expect(found).toBeGreaterThan(3000);
  });
});
