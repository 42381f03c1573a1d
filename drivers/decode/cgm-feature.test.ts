import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeCgmFeature, decodeCgmRunTime, decodeCgmStatus } from "./cgm-feature.ts";
import { crcMcrf4xx } from "./crc.ts";

const withCrc = (hex: string): Uint8Array => {
  const bytes = fromHex(hex);
  const crc = crcMcrf4xx(bytes);
  return Uint8Array.from([...bytes, crc & 0xff, crc >> 8]);
};

describe("CGM feature, status and run time", () => {
  it("tell what the sensor is, and whether its values carry a CRC", () => {
    expect(decodeCgmFeature(withCrc("00100159"))).toEqual({
      tag: "ok",
      record: { features: 0x011000, type: 9, sampleLocation: 5, hasCrc: true },
    });
    expect(decodeCgmFeature(fromHex("000001 59 ffff"))).toMatchObject({ record: { hasCrc: false } });
  });

  it("tell the minutes of the session and its status, with CRC and without", () => {
    const record = { timeOffsetMin: 300, statusOctet: 1, calTempOctet: 8, warningOctet: 0 };
    expect(decodeCgmStatus(fromHex("2c01010800"))).toEqual({ tag: "ok", record });
    expect(decodeCgmStatus(withCrc("2c01010800"))).toEqual({ tag: "ok", record });
    expect(decodeCgmRunTime(withCrc("5001"))).toEqual({ tag: "ok", record: 336 });
  });

  it.each([
    ["feature", decodeCgmFeature, withCrc("00100159")],
    ["status", decodeCgmStatus, withCrc("2c01010800")],
    ["run time", decodeCgmRunTime, withCrc("5001")],
  ] as const)("a %s that is cut short, too long or has a bit flipped is malformed", (_what, decode, bytes) => {
    const whole = bytes.length;
    for (let length = 0; length < whole; length++) {
      // Without its CRC it is a value of a sensor that has none.
      if (decode !== decodeCgmFeature && length === whole - 2) continue;
      expect(decode(bytes.subarray(0, length)).tag).toBe("malformed");
    }
    expect(decode(Uint8Array.from([...bytes, 0])).tag).toBe("malformed");
    for (let bit = 0; bit < whole * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // The bit that says that there is a CRC takes the check away with it.
      if (decode === decodeCgmFeature && bit === 12) continue;
      expect(decode(flipped)).toMatchObject({ tag: "malformed", reason: "crc" });
    }
  });
});
