import { describe, expect, it } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { epochMs } from "../../protocol/time.ts";
import { type BodyCompositionValues, bodyCompositionMeasurement } from "./body-composition.ts";
import { type CgmValues, cgmMeasurement } from "./cgm.ts";
import { CGM_FEATURE, cgmFeature, cgmRunTime, cgmSessionStart, cgmStatus, readSessionStart } from "./cgm-session.ts";
import type { LocalDateTime } from "./date-time.ts";
import { e2eCrc, hasGoodCrc, withCrc } from "./e2e-crc.ts";
import { type GlucoseMeasurement, type GlucoseTime, glucoseMeasurement } from "./glucose.ts";
import { type GlucoseContext, glucoseContext } from "./glucose-context.ts";
import { type HeartRateValues, heartRateMeasurement } from "./heart-rate.ts";
import { continuousOximetry, oximeterFeatures, spotCheckMeasurement } from "./pulse-oximetry.ts";
import { accessResponse, countResponse } from "./record-access-codes.ts";
import { zonePartsAt } from "./zone-parts.ts";

const at = (text: string): LocalDateTime => {
  const [year = 0, month = 0, day = 0, hours = 0, minute = 0, second = 0] = text.split(/[-T:]/).map(Number);
  return { year, month, day, hours, minutes: minute, seconds: second };
};

/** Published vectors, by their number in tests/vectors, where the source of each is named. */
describe("published vectors", () => {
  it.each<[string, BodyCompositionValues, string]>([
    ["v063", { fatPercent: 5 }, "00003200"],
    ["v065", { fatPercent: 12, user: 5, basalMetabolismKj: 1600 }, "0c007800054006"],
    ["v068", { fatPercent: 7, impedanceOhm: 800, weight: 70, height: 1 }, "000e4600401fb036e803"],
  ])("body composition %s", (_id, values, hex) => {
    expect(bodyCompositionMeasurement(values, null).map(toHex)).toEqual([hex]);
  });

  it("oximetry v070, v072, v074", () => {
    const tenths = (value: number) => ({ value, decimals: 1 });
    expect(toHex(continuousOximetry({ spo2: 100, pulse: 90 }))).toBe("0064005a00");
    expect(
      toHex(
        continuousOximetry({ spo2: 95, pulse: 90, status: ["ongoing"], deviceStatus: [], pulseAmplitudeIndex: 8.7 }),
      ),
    ).toBe("1c5f005a00200000000057f0");
    expect(
      toHex(
        spotCheckMeasurement(
          {
            spo2: tenths(94),
            pulse: tenths(147),
            status: ["ongoing", "questionable"],
            deviceStatus: ["equipment-malfunction", "low-perfusion"],
            pulseAmplitudeIndex: { value: 8.7, decimals: 2 },
          },
          at("2024-11-29T23:08:57"),
        ),
      ),
    ).toBe("0facf3bef5e8070b1d170839204022000066e3");
  });

  it.each<[string, GlucoseMeasurement, number, GlucoseTime, string]>([
    [
      "v076",
      {
        concentration: {
          value: { value: 0.00111, decimals: 5 },
          unit: "kg/L",
          type: "undetermined-plasma",
          location: "unavailable",
        },
        status: [],
      },
      15,
      { base: at("2024-01-30T05:58:27"), offsetMinutes: 339 },
      "1b0f00e807011e053a1b53016fb0f80000",
    ],
    [
      "v078",
      {
        concentration: { value: 30, unit: "kg/L", type: "capillary-plasma", location: "finger" },
        status: ["battery-low", "sample-insufficient", "temperature-too-low"],
      },
      1,
      { base: at("2019-02-27T11:10:30"), offsetMinutes: -5 },
      "1b0100e307021b0b0a1efbff1e00120501",
    ],
  ])("glucose %s", (_id, values, sequence, time, hex) => {
    expect(toHex(glucoseMeasurement(values, sequence, time, true))).toBe(hex);
  });

  it.each<[string, GlucoseContext, number, string]>([
    ["v080, the ketone mark of CareSens", { meal: 6 }, 4, "02040006"],
    ["v082", { meal: "after" }, 7, "02070002"],
  ])("glucose context %s", (_id, context, sequence, hex) => {
    expect(toHex(glucoseContext(context, sequence))).toBe(hex);
  });

  it("record access v086, v088, v091", () => {
    expect(toHex(accessResponse(1, 1))).toBe("06000101");
    expect(toHex(accessResponse(3, 7))).toBe("06000307");
    expect(toHex(countResponse(258))).toBe("05000201");
  });

  it.each<[string, HeartRateValues, string]>([
    ["v096", { rate: 85 }, "0055"],
    ["v098", { rate: 85, contact: true, energyKj: 50, rr1024: [33] }, "1e5532002100"],
    ["v101", { rate: 90, rr1024: [2048, 4096] }, "105a00080010"],
    ["v103", { rate: 200, wide: true }, "01c800"],
  ])("heart rate %s", (_id, values, hex) => {
    expect(toHex(heartRateMeasurement(values))).toBe(hex);
  });

  it.each<[string, CgmValues, number, boolean, string]>([
    [
      "v105",
      {
        glucose: 12.34,
        status: ["battery-low"],
        calibration: ["calibration-recommended", "temperature-too-high"],
        warnings: 0xff,
        trend: 0.2,
        quality: 99.7,
      },
      5,
      true,
      "0fe3d2e405000214ff02f0e5f38e3f",
    ],
    ["v107, first record", { glucose: { value: 120, decimals: -1 } }, 5, false, "06000c100500"],
    ["v107, second record", { glucose: { value: 120, decimals: -1 } }, 6, false, "06000c100600"],
  ])("continuous glucose %s", (_id, values, minute, crc, hex) => {
    expect(toHex(cgmMeasurement(values, minute, crc))).toBe(hex);
  });

  it("session start v111, and its CRC v113, v115", () => {
    const start = { at: at("2018-04-24T13:08:24"), zoneQuarters: 8, dstOffset: 4 };
    const value = cgmSessionStart(start, true);
    expect(toHex(value)).toBe("e20704180d08180804e0c2");
    expect(hasGoodCrc(value)).toBe(true);
    expect(readSessionStart(value)).toEqual(start);
    value[10] = 0xc3;
    expect(hasGoodCrc(value)).toBe(false);
    expect(e2eCrc([0x3e, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe(12_033);
  });
});

describe("body composition", () => {
  const FULL: BodyCompositionValues = {
    fatPercent: 21.3,
    user: 2,
    basalMetabolismKj: 6500,
    musclePercent: 38.5,
    muscleMass: 27.5,
    fatFreeMass: 56,
    softLeanMass: 53,
    waterMass: 41,
    impedanceOhm: 501.5,
    weight: 71.5,
    height: 1.78,
  };

  it("takes two packets where one does not hold it, both with flags, fat and the mark", () => {
    const packets = bodyCompositionMeasurement(FULL, at("2026-06-15T07:00:00")).map(toHex);
    expect(packets).toEqual([
      // Time, user, basal metabolism, muscle in percent and mass, fat free mass: 20 octets.
      "7e10d500ea07060f0700000264198101" + "7c15c02b",
      "801fd500682908209713dc37f406",
    ]);
    for (const packet of packets) expect(packet.length / 2).toBeLessThanOrEqual(20);
  });

  it("says that it failed, and refuses what does not fit", () => {
    expect(bodyCompositionMeasurement({ fatPercent: null, user: 1 }, null).map(toHex)).toEqual(["0400ffff01"]);
    expect(() => bodyCompositionMeasurement({ fatPercent: 20, weight: 400 }, null)).toThrow(RangeError);
    expect(bodyCompositionMeasurement({ fatPercent: 20, units: "imperial", weight: 157 }, null).map(toHex)).toEqual([
      "0104c800543d",
    ]);
  });
});

describe("oximetry", () => {
  it("sends fast and slow values, a clock that is not set, and special values", () => {
    const pair = { spo2: 97, pulse: 61 };
    expect(toHex(continuousOximetry({ ...pair, fast: pair, slow: { spo2: "nan", pulse: "nres" } }))).toBe(
      "0361003d0061003d00ff070008",
    );
    expect(toHex(spotCheckMeasurement({ ...pair, clockNotSet: true }, null))).toBe("1061003d00");
  });

  it("tells what it can, and no time without a clock", () => {
    expect(toHex(oximeterFeatures(true))).toBe("7f00e0ffffff00");
    expect(toHex(oximeterFeatures(false))).toBe("7700e0ffffff00");
  });
});

describe("glucose", () => {
  it("leaves out what it does not have, and says when an offset does not fit", () => {
    const base = at("2026-06-15T07:00:00");
    expect(
      toHex(glucoseMeasurement({ status: ["strip-insertion-error"] }, 9, { base, offsetMinutes: null }, false)),
    ).toBe("080900ea07060f0700000800");
    expect(toHex(glucoseMeasurement({}, 9, { base, offsetMinutes: "overrun" }, false))).toBe(
      "010900ea07060f070000ff7f",
    );
    expect(toHex(glucoseMeasurement({}, 9, { base, offsetMinutes: "underrun" }, false))).toBe(
      "010900ea07060f0700000080",
    );
    const millimole = { value: 0.0062, unit: "mol/L", type: "control-solution", location: "control-solution" } as const;
    expect(toHex(glucoseMeasurement({ concentration: millimole }, 9, { base, offsetMinutes: 0 }, false))).toBe(
      "070900ea07060f07000000003ec04a",
    );
  });

  it("writes every field of a context in the order of the characteristic", () => {
    const context: GlucoseContext = {
      carbohydrate: { of: "lunch", kilograms: 0.05 },
      meal: "before",
      tester: { by: "self", health: "no-issues" },
      exercise: { seconds: 1800, percent: 60 },
      medication: { of: "rapid", amount: 0.004, unit: "L" },
      hba1cPercent: 6.5,
      extendedFlags: 0,
    };
    expect(toHex(glucoseContext(context, 258))).toBe(
      "ff02010002" + "05e0" + "01" + "51" + "08073c" + "0104d0" + "41f0",
    );
  });
});

describe("continuous glucose", () => {
  it("writes feature, status and run time with and without CRC", () => {
    expect(toHex(cgmFeature(CGM_FEATURE.TREND, false))).toBe("00800059ffff");
    expect(hasGoodCrc(cgmFeature(CGM_FEATURE.TREND | CGM_FEATURE.E2E_CRC, true))).toBe(true);
    expect(toHex(cgmStatus(258, { calibration: ["calibration-required"] }, false))).toBe("0201000800");
    expect(toHex(cgmRunTime(336, false))).toBe("5001");
    expect(toHex(cgmRunTime(336, true))).toBe(toHex(withCrc(Uint8Array.of(0x50, 0x01))));
  });

  it("knows zone and summer time of a home", () => {
    const summer = epochMs(Date.UTC(2026, 6, 1));
    expect(zonePartsAt("Europe/Stockholm", summer)).toEqual({ zoneQuarters: 4, dstOffset: 4 });
    expect(zonePartsAt("Europe/Stockholm", epochMs(Date.UTC(2026, 0, 1)))).toEqual({ zoneQuarters: 4, dstOffset: 0 });
    expect(zonePartsAt("America/St_Johns", summer)).toEqual({ zoneQuarters: -14, dstOffset: 4 });
    expect(zonePartsAt("Australia/Lord_Howe", epochMs(Date.UTC(2026, 0, 1)))).toEqual({
      zoneQuarters: 42,
      dstOffset: 2,
    });
    expect(toHex(cgmSessionStart({ at: at("2026-06-15T07:00:00"), zoneQuarters: -14, dstOffset: 255 }, false))).toBe(
      "ea07060f070000f2ff",
    );
  });
});
