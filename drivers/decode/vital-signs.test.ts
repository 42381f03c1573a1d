import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeBattery } from "./battery.ts";
import { decodeBloodPressure, isSuspectLayout } from "./blood-pressure.ts";
import { decodeHeartRate } from "./heart-rate.ts";
import { decodeView } from "./kinds.ts";
import {
  decodeOximetryContinuous,
  decodeOximetrySpot,
  PLX_RESERVED,
  plxDeviceFlags,
  plxMeasurementFlags,
} from "./oximetry.ts";
import { decodeTemperature, decodeTemperatureType } from "./temperature.ts";

const number = (value: number, decimals = 0) => ({ tag: "number", value, decimals });
const malformed = (reason: string) => ({ tag: "malformed", reason });
const shown = (kind: string, hex: string) => decodeView(kind, fromHex(hex));

describe("blood pressure, 2a35", () => {
  it("reads kPa, and pulse and status without time or user", () => {
    expect(decodeBloodPressure(fromHex("15 bdf0 0b00 9ff0 3c00 1200"))).toMatchObject({
      tag: "ok",
      record: {
        unit: "kPa",
        systolic: number(18.9, 1),
        diastolic: number(11),
        map: number(15.9, 1),
        pulse: number(60),
        time: null,
        userId: null,
        status: { cuffTooLoose: true, bodyMovement: false, pulseRange: "below-lower", reserved: 0 },
        reservedFlags: 0,
        trailing: 0,
      },
    });
  });

  it("reads user and status where neither time nor pulse is there", () => {
    expect(decodeBloodPressure(fromHex("18 7800 5000 5a00 05 0300"))).toMatchObject({
      tag: "ok",
      record: { userId: 5, status: { raw: 3, bodyMovement: true, cuffTooLoose: true }, pulse: null },
    });
  });

  it.each([
    [0x00, "in-range"],
    [0x08, "above-upper"],
    [0x10, "below-lower"],
    [0x18, "reserved"],
  ])("names the pulse range of status %i %s", (status, pulseRange) => {
    const bytes = Uint8Array.of(0x10, 120, 0, 80, 0, 90, 0, status, 0);
    expect(decodeBloodPressure(bytes)).toMatchObject({ record: { status: { pulseRange } } });
  });

  it("never makes a number of a special value", () => {
    expect(shown("ble.2a35", "04 ff07 0008 0208 fe07")).toEqual({
      systolic: null,
      diastolic: null,
      map: null,
      pulse: null,
      special: {
        systolic: "not-a-number",
        diastolic: "nres",
        map: "negative-infinity",
        pulse: "positive-infinity",
      },
      unit: "mm[Hg]",
    });
  });

  it("shows user 255 as nobody", () => {
    expect(shown("ble.2a35", "08 7800 5000 5a00 ff")).toMatchObject({ userId: null, userUnknown: true });
    expect(decodeBloodPressure(fromHex("08 7800 5000 5a00 ff"))).toMatchObject({ record: { userId: 255 } });
  });

  it("reports reserved flags and status bits and bytes left over", () => {
    expect(shown("ble.2a35", "b0 7800 5000 5a00 4080 0102")).toMatchObject({
      reservedFlags: 0xa0,
      status: 0x8040,
      reservedStatus: 0x8040,
      trailing: 2,
    });
  });

  it.each(["", "00", "01 02 03 04 05 06", "03 02 03 04 05 06 07", "1f 1280 0c80 0e80 e807061410 2d 0a 5480 03 1c"])(
    "is truncated where the flags demand more than %j",
    (hex) => {
      expect(decodeBloodPressure(fromHex(hex))).toMatchObject(malformed("truncated"));
    },
  );

  it("keeps a measurement whose clock shows an impossible date, without its time", () => {
    expect(shown("ble.2a35", "02 7800 5000 5a00 e8070d32 19 3d 00")).toMatchObject({
      systolic: 120,
      time: { month: 13, day: 50, local: null, outOfRange: "month" },
    });
  });

  it("reads the same bytes big-endian where the catalogue says so", () => {
    const bytes = fromHex("56 7100 4900 0000 ea07080b143800 0041 01 0000");
    expect(decodeBloodPressure(bytes, "big-endian-tail")).toMatchObject({
      tag: "ok",
      record: { pulse: number(65), userId: 1, status: { raw: 0 }, trailing: 0 },
    });
    const strict = decodeBloodPressure(bytes);
    expect(strict.tag === "ok" && isSuspectLayout(strict.record)).toBe(true);
  });

  it("shows a second user's recorded payload of a BM85 as a quirk", () => {
    expect(shown("ble.2a35", "56 7700 4600 0000 ea07080b143900 0057 01 0040")).toMatchObject({
      outcome: "quirk",
      strict: { systolic: 119, diastolic: 70, pulseImplausible: true, trailing: 1 },
      quirk: { pulse: 87, userId: 1, status: 64, statusFlags: [], local: "2026-08-11T20:57:00" },
    });
  });

  it("does not suspect a well-formed measurement of a strange pulse, but marks it", () => {
    expect(shown("ble.2a35", "04 7800 5000 5a00 0500")).toMatchObject({ pulse: 5, pulseImplausible: true });
  });

  it("catches a biased exponent in kPa as well", () => {
    expect(shown("ble.2a35", "01 1080 0b80 0c80")).toMatchObject({
      outcome: "trap",
      mustNotPublish: true,
      why: expect.stringContaining("16e-8/11e-8/12e-8 kPa"),
    });
  });
});

describe("temperature, 2a1c", () => {
  it("reads Fahrenheit, and a type without a time", () => {
    expect(decodeTemperature(fromHex("05 da0300ff 03"))).toMatchObject({
      tag: "ok",
      record: { unit: "[degF]", temperature: number(98.6, 1), time: null, type: { raw: 3, site: "ear" } },
    });
  });

  it("shows a special value as none", () => {
    expect(shown("ble.2a1c", "00 ffff7f00")).toEqual({ temperature: null, special: "not-a-number", unit: "Cel" });
  });

  it("does not believe a temperature of 10^129 degrees", () => {
    expect(shown("ble.2a1c", "00 2075387b")).toMatchObject({ outcome: "trap", mustNotPublish: true });
  });

  it("is truncated without the type that the flags announce", () => {
    expect(decodeTemperature(fromHex("06 b00e00fe dc070c050b321b"))).toMatchObject(malformed("truncated"));
    expect(decodeTemperature(fromHex("00"))).toMatchObject(malformed("truncated"));
  });

  it("reports reserved flags and bytes left over", () => {
    expect(shown("ble.2a1c", "18 700100ff 00")).toMatchObject({ temperature: 36.8, reservedFlags: 0x18, trailing: 1 });
  });

  it("names the sites of Temperature Type and calls the others reserved", () => {
    const sites = Array.from({ length: 12 }, (_, raw) => decodeTemperatureType(Uint8Array.of(raw)));
    expect(sites.map((site) => (site.tag === "ok" ? site.record.site : site.reason))).toEqual([
      "reserved",
      "armpit",
      "body",
      "ear",
      "finger",
      "gastro-intestinal",
      "mouth",
      "rectum",
      "toe",
      "tympanum",
      "reserved",
      "reserved",
    ]);
    expect(decodeTemperatureType(new Uint8Array(0))).toMatchObject(malformed("truncated"));
    expect(decodeTemperatureType(new Uint8Array(2))).toMatchObject(malformed("format"));
  });
});

describe("pulse oximetry, 2a5e and 2a5f", () => {
  it("reads normal, fast and slow with all status of the continuous measurement", () => {
    expect(shown("ble.2a5f", "1f def3 caf3 caf3 5af5 d4f3 b2f2 2001 000000 7ae3")).toMatchObject({
      spo2: 99,
      pulse: 97,
      spo2Fast: 97,
      pulseFast: 137,
      spo2Slow: 98,
      pulseSlow: 69,
      measurementStatus: 0x120,
      measurementFlags: ["measurementOngoing", "fullyQualified"],
      deviceStatus: 0,
      pulseAmplitudeIndex: 8.9,
    });
  });

  it("reads slow without fast", () => {
    expect(decodeOximetryContinuous(fromHex("02 6200 4800 6300 4600"))).toMatchObject({
      record: { fast: null, slow: { spo2: number(99), pulse: number(70) } },
    });
  });

  it("reads each optional field of a spot check alone", () => {
    expect(decodeOximetrySpot(fromHex("02 5f00 3c00 8000"))).toMatchObject({
      record: { time: null, measurementStatus: 0x80, deviceStatus: null, deviceClockNotSet: false },
    });
    expect(decodeOximetrySpot(fromHex("04 5f00 3c00 208000"))).toMatchObject({ record: { deviceStatus: 0x8020 } });
    expect(decodeOximetrySpot(fromHex("19 5f00 3c00 00000000000000 57f0"))).toMatchObject({
      record: { deviceClockNotSet: true, pulseAmplitudeIndex: number(8.7, 1), time: { year: 0 } },
    });
  });

  it("names the bits of both status fields and keeps the reserved ones apart", () => {
    expect(plxMeasurementFlags(0xffff)).toHaveLength(11);
    expect(plxMeasurementFlags(0x4020)).toEqual(["measurementOngoing", "questionable"]);
    expect(plxDeviceFlags(0x000022)).toEqual(["equipmentMalfunction", "lowPerfusion"]);
    expect(plxDeviceFlags(0xffffff)).toHaveLength(16);
    expect(PLX_RESERVED).toEqual({ measurement: 0x001f, device: 0xff0000 });
  });

  it("catches a biased exponent", () => {
    expect(shown("ble.2a5f", "00 6280 4880")).toMatchObject({ outcome: "trap", mustNotPublish: true });
    expect(shown("ble.2a5e", "00 6280 4880")).toMatchObject({ outcome: "trap", mustNotPublish: true });
  });

  it("is truncated where the flags demand more", () => {
    expect(decodeOximetrySpot(fromHex("01 6200 4800 e8070b"))).toMatchObject(malformed("truncated"));
    expect(decodeOximetryContinuous(fromHex("13 6200 4800 6200 4800 6200 4800 57"))).toMatchObject(
      malformed("truncated"),
    );
  });
});

describe("heart rate, 2a37", () => {
  it.each([
    ["00 50", null],
    ["02 50", null],
    ["04 50", false],
    ["06 50", true],
  ])("reads the contact bits of %s as %s", (hex, contact) => {
    expect(decodeHeartRate(fromHex(hex))).toMatchObject({ record: { heartRate: 80, contact } });
  });

  it("reads 16 bits, energy and three intervals", () => {
    expect(decodeHeartRate(fromHex("1f 0101 3201 0100 0201 ffff"))).toMatchObject({
      record: { heartRate: 257, contact: true, energyKJ: 306, rr1024: [1, 258, 65_535] },
    });
  });

  it("is truncated without an announced interval and with half of one", () => {
    expect(decodeHeartRate(fromHex("17 0101"))).toMatchObject(malformed("truncated"));
    expect(decodeHeartRate(fromHex("10 5a 0008 00"))).toMatchObject(malformed("truncated"));
    expect(decodeHeartRate(fromHex("01 c8"))).toMatchObject(malformed("truncated"));
  });

  it("reports bytes left over where no interval is announced", () => {
    expect(shown("ble.2a37", "20 50 0000")).toMatchObject({ trailing: 2, reservedFlags: 0x20 });
  });
});

describe("battery, 2a19", () => {
  it("reads 0 to 100 % and nothing else", () => {
    for (let percent = 0; percent < 256; percent++) {
      const expected = percent <= 100 ? { tag: "ok", record: { percent } } : malformed("range");
      expect(decodeBattery(Uint8Array.of(percent))).toMatchObject(expected);
    }
    expect(decodeBattery(new Uint8Array(0))).toMatchObject(malformed("truncated"));
    expect(decodeBattery(fromHex("6400"))).toMatchObject(malformed("format"));
  });
});
