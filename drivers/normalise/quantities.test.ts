import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeBloodPressure } from "../decode/blood-pressure.ts";
import { decodeOximetryContinuous, decodeOximetrySpot } from "../decode/oximetry.ts";
import { decodeTemperature } from "../decode/temperature.ts";
import { decodeWeight } from "../decode/weight.ts";
import type { Decoded } from "../driver.ts";
import { bloodPressure } from "./blood-pressure.ts";
import { bodyTemperature } from "./body-temperature.ts";
import { bodyWeight } from "./body-weight.ts";
import { plxContinuous, plxSpotCheck } from "./plx.ts";
import type { Measurement } from "./reading.ts";

const ok = <R>(decoded: Decoded<R>): R => {
  if (decoded.tag === "malformed") throw new Error(`test: ${decoded.detail}`);
  return decoded.record;
};

const pressure = (hex: string): Measurement => bloodPressure(ok(decodeBloodPressure(fromHex(hex))));
const weight = (hex: string): Measurement => bodyWeight(ok(decodeWeight(fromHex(hex))));
const temperature = (hex: string): Measurement => bodyTemperature(ok(decodeTemperature(fromHex(hex))));
const spot = (hex: string): Measurement => plxSpotCheck(ok(decodeOximetrySpot(fromHex(hex))));
const continuous = (hex: string): readonly Measurement[] => plxContinuous(ok(decodeOximetryContinuous(fromHex(hex))));

describe("blood pressure", () => {
  it("has every status bit as a flag, and the user", () => {
    const reading = pressure("1e8a00580078000000041114293b3c00012700");
    expect(reading).toMatchObject({
      kind: "blood-pressure",
      status: "final",
      values: [
        { name: "MDC_PRESS_BLD_NONINV_SYS", value: 138, decimals: 0, unit: "mm[Hg]" },
        { name: "MDC_PRESS_BLD_NONINV_DIA", value: 88 },
        { name: "MDC_PRESS_BLD_NONINV_MEAN", value: 120 },
        { name: "MDC_PULS_RATE_NON_INV", value: 60, unit: "/min" },
      ],
      flags: ["body-movement", "cuff-loose", "irregular-pulse", "improper-position"],
      context: { userSlot: 1, status: 0x27 },
      quality: [],
    });
  });

  it.each([
    ["0800", "pulse-above-range"],
    ["1000", "pulse-below-range"],
  ])("says on which side of its range the pulse is: %s", (status, flag) => {
    expect(pressure(`167c0056006100e807060f11111b3300${status}`).flags).toEqual([flag]);
  });

  it("stays in kPa, with the precision that was sent", () => {
    expect(pressure("01a6f078f087f0").values).toMatchObject([
      { value: 16.6, decimals: 1, unit: "kPa" },
      { value: 12, decimals: 1, unit: "kPa" },
      { value: 13.5, decimals: 1, unit: "kPa" },
    ]);
  });

  it.each([
    ["0000", "unknown"],
    ["ff07", "not-a-number"],
    ["fe07", "positive-infinity"],
    ["0208", "negative-infinity"],
    ["0008", "error"],
    ["0108", "error"],
  ])("has no mean in %s, which is absent as %s", (mean, absent) => {
    expect(pressure(`007c005600${mean}`).values[2]).toEqual({
      mdc: 150023,
      name: "MDC_PRESS_BLD_NONINV_MEAN",
      value: null,
      absent,
    });
  });

  it("was not performed when neither pressure is a number", () => {
    expect(pressure("00ff07ff07ff07").status).toBe("not-performed");
    expect(pressure("007c00ff07ff07").status).toBe("final");
  });

  it("does not know whose it is for user 255", () => {
    const reading = pressure("087c00560061 00ff");
    expect(reading.quality).toEqual(["unconfirmed"]);
    expect(reading.context).toEqual({});
  });

  it("withholds what stands at the wrong place of a payload that leaves its layout", () => {
    const reading = pressure("56760050000000ea07080b141b00003c000004");
    expect(reading).toMatchObject({
      values: [{ value: 118 }, { value: 80 }, { absent: "unknown" }, { value: null, absent: "error" }],
      flags: [],
      context: {},
      quality: ["questionable"],
    });
  });
});

describe("body weight", () => {
  it("has kilograms, BMI and height with their precision", () => {
    expect(weight("0ef22fe507071715211f02d400a406")).toMatchObject({
      values: [
        { mdc: 188736, value: 61.37, decimals: 3, unit: "kg" },
        { mdc: 188752, value: 21.2, decimals: 1, unit: "kg/m2" },
        { mdc: 188740, value: 1.7, decimals: 3, unit: "m" },
      ],
      context: { userSlot: 2 },
      time: { year: 2021, month: 7, day: 23 },
    });
  });

  it("stays in pounds", () => {
    expect(weight("01543d").values).toEqual([
      { mdc: 188736, name: "MDC_MASS_BODY_ACTUAL", value: 157, decimals: 2, unit: "[lb_av]" },
    ]);
  });

  it("was not performed when the scale could not weigh", () => {
    expect(weight("00ffff")).toMatchObject({ status: "not-performed", values: [{ value: null, absent: "error" }] });
  });

  it("does not know whose it is for user 255", () => {
    expect(weight("04f22fff")).toMatchObject({ quality: ["unconfirmed"], context: {} });
  });
});

describe("body temperature", () => {
  it("is coded by its site", () => {
    expect(temperature("06b00e00fedc070c050b321b04").values).toEqual([
      { mdc: 188432, name: "MDC_TEMP_FINGER", value: 37.6, decimals: 2, unit: "Cel" },
    ]);
  });

  it("stays in Fahrenheit", () => {
    expect(temperature("01d90300ff").values).toMatchObject([{ mdc: 150364, value: 98.5, decimals: 1, unit: "[degF]" }]);
  });

  it.each(["00", "0a", "ff"])("is a body temperature for the reserved site %s", (site) => {
    expect(temperature(`04710e00fe${site}`).values).toMatchObject([{ mdc: 150364 }]);
  });

  it("was not performed when it is no number", () => {
    expect(temperature("00ffff7f00")).toMatchObject({
      status: "not-performed",
      values: [{ value: null, absent: "not-a-number" }],
    });
  });
});

describe("pulse oximetry by the Bluetooth profile", () => {
  it("marks a spot check, its doubts and what the device says of itself", () => {
    expect(spot("0facf3bef5e8070b1d170839204022000066e3")).toMatchObject({
      status: "preliminary",
      values: [
        { mdc: 150456, value: 94, unit: "%" },
        { mdc: 149530, value: 147, unit: "/min" },
        { mdc: 150320, value: 8.7, unit: "%" },
      ],
      supplemental: [150588],
      quality: ["questionable"],
      flags: ["equipment-malfunction", "low-perfusion"],
      context: { status: 16416, deviceStatus: 34 },
    });
  });

  it.each<[string, string, Measurement["status"], readonly string[], unknown]>([
    ["invalid", "0080", "entered-in-error", [], { value: null, absent: "error" }],
    ["not available", "0020", "not-performed", [], { value: null, absent: "unknown" }],
    ["questionable", "0040", "final", ["questionable"], { value: 98 }],
    ["calibrating", "0010", "final", ["calibrating"], { value: 98 }],
    ["a demonstration", "0004", "final", ["test-data"], { value: 98 }],
    ["a test", "0008", "final", ["test-data"], { value: 98 }],
    ["an early estimate", "4000", "preliminary", [], { value: 98 }],
    ["from storage", "0002", "final", ["stored"], { value: 98 }],
  ])("is mapped where the measurement is %s", (_name, bits, status, quality, value) => {
    const reading = spot(`0262003c00${bits}`);
    expect(reading).toMatchObject({ status, quality });
    expect(reading.values[0]).toMatchObject(value as object);
  });

  it("keeps the stamp of a clock that was never set, and says so", () => {
    expect(spot("1162003c00ea0701010003 05")).toMatchObject({ flags: ["clock-not-set"], time: { year: 2026 } });
  });

  it("makes a reading of each modality of a stream", () => {
    const readings = continuous("0362003c0061003d0063003e00");
    expect(readings.map((one) => [one.values[0]?.value, one.supplemental])).toEqual([
      [98, []],
      [97, [150580]],
      [99, [150584]],
    ]);
  });
});

it.each([
  ["a measurement status", "0261003c000100"],
  ["a device status", "0461003c00000080"],
])("doubts an oximeter that says something in %s for which the specification has no word", (_, hex) => {
  const { values, quality } = spot(hex);
  expect(values[0]).toMatchObject({ value: 97 });
  expect(quality).toEqual(["questionable"]);
});
