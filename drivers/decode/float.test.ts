import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimal, decodeFloat, decodeSfloat, isBiasedFloat, isBiasedSfloat, shifted } from "./float.ts";

const sfloat = (raw: number) => decodeSfloat(Uint8Array.of(raw & 0xff, raw >> 8));
const float = (raw: number) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, raw, true);
  return decodeFloat(bytes);
};

/** The number as text, by moving the point: independent of any arithmetic with doubles. */
const exactText = (mantissa: number, exponent: number): number => Number(`${mantissa}e${exponent}`);

describe("SFLOAT", () => {
  it.each([
    [0x07ff, "not-a-number"],
    [0x0800, "nres"],
    [0x07fe, "positive-infinity"],
    [0x0802, "negative-infinity"],
    [0x0801, "reserved"],
  ])("reads %i as the special value %s", (raw, special) => {
    expect(sfloat(raw)).toEqual({ tag: "ok", record: { tag: "special", special } });
  });

  it("takes the mantissa of a special value for a number where the exponent is not 0", () => {
    expect(sfloat(0xf7ff)).toEqual({ tag: "ok", record: { tag: "number", value: 204.7, decimals: 1 } });
    expect(sfloat(0xe800)).toEqual({ tag: "ok", record: { tag: "number", value: -20.48, decimals: 2 } });
  });

  it("reads every one of the 65 536 values as the nearest double of its decimal number", () => {
    let special = 0;
    for (let raw = 0; raw < 0x10000; raw++) {
      const result = sfloat(raw);
      if (result.tag !== "ok") throw new Error(`${raw} is malformed`);
      if (result.record.tag === "special") {
        special += 1;
        continue;
      }
      const mantissa = (raw & 0xfff) > 0x7ff ? (raw & 0xfff) - 0x1000 : raw & 0xfff;
      const exponent = raw >> 12 > 7 ? (raw >> 12) - 16 : raw >> 12;
      if (!Object.is(result.record.value, mantissa === 0 ? 0 : exactText(mantissa, exponent))) {
        throw new Error(`${raw}: ${result.record.value}`);
      }
      expect(result.record.decimals).toBe(Math.max(0, -exponent));
    }
    expect(special).toBe(5);
  });

  it("is truncated below two octets and not a layout above", () => {
    expect(decodeSfloat(Uint8Array.of(2))).toMatchObject({ tag: "malformed", reason: "truncated" });
    expect(decodeSfloat(new Uint8Array(3))).toMatchObject({ tag: "malformed", reason: "format" });
  });
});

describe("FLOAT", () => {
  it.each([
    [0x007fffff, "not-a-number"],
    [0x00800000, "nres"],
    [0x007ffffe, "positive-infinity"],
    [0x00800002, "negative-infinity"],
    [0x00800001, "reserved"],
  ])("reads %i as the special value %s", (raw, special) => {
    expect(float(raw)).toEqual({ tag: "ok", record: { tag: "special", special } });
  });

  it.each([
    [0xff000014, 2, 1],
    [0x01000002, 20, 0],
    [0x02000002, 200, 0],
    [0x000004d2, 1234, 0],
    [0xff000170, 36.8, 1],
    [0xff7fffff, 838_860.7, 1],
  ])("reads %i as %d with %i decimals", (raw, value, decimals) => {
    expect(float(raw)).toEqual({ tag: "ok", record: { tag: "number", value, decimals } });
  });

  it("is a finite number for every exponent", () => {
    for (let exponent = 0; exponent < 256; exponent++) {
      for (const mantissa of [0, 1, 0x7ffffd, 0x800003, 0xffffff]) {
        const result = float(exponent * 0x1000000 + mantissa);
        expect(result).toMatchObject({ tag: "ok", record: { tag: "number", value: expect.any(Number) } });
        if (result.tag === "ok" && result.record.tag === "number")
          expect(Number.isFinite(result.record.value)).toBe(true);
      }
    }
  });
});

describe("decimal numbers", () => {
  it("is the nearest double of the text of the number, for any mantissa and place", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -8_388_608, max: 8_388_607 }),
        fc.integer({ min: -40, max: 140 }),
        (mantissa, places) => {
          const result = decimal(mantissa, places);
          expect(result).toEqual({
            tag: "number",
            value: mantissa === 0 ? 0 : exactText(mantissa, -places),
            decimals: Math.max(0, places),
          });
        },
      ),
    );
  });

  it("moves the point without losing the number: 0.00111 kg/L is 111 mg/dL, 0.0062 mol/L is 6.2 mmol/L", () => {
    expect(shifted(decimal(111, 5), 5)).toEqual({ tag: "number", value: 111, decimals: 0 });
    expect(shifted(decimal(62, 4), 3)).toEqual({ tag: "number", value: 6.2, decimals: 1 });
    expect(shifted(decimal(30, 0), 5)).toEqual({ tag: "number", value: 3_000_000, decimals: 0 });
    expect(shifted({ tag: "special", special: "nres" }, 5)).toEqual({ tag: "special", special: "nres" });
  });

  it("knows the exponents of a wrong bias, and no others", () => {
    expect(isBiasedSfloat(decimal(120, 8))).toBe(true);
    expect(isBiasedSfloat(decimal(0, 8))).toBe(false);
    expect(isBiasedSfloat(decimal(120, 7))).toBe(false);
    expect(isBiasedFloat(decimal(3_700_000, -123))).toBe(true);
    expect(isBiasedFloat(decimal(3697, 2))).toBe(false);
  });
});
