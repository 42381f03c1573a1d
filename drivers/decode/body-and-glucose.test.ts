import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeBodyComposition } from "./body-composition.ts";
import { cgmFlags, decodeCgmMeasurement } from "./cgm.ts";
import { crcCcittFalse, crcMcrf4xx } from "./crc.ts";
import { decodeGlucose, GLUCOSE_SENSOR_RESERVED, glucoseSensorFlags } from "./glucose.ts";
import { decodeGlucoseContext } from "./glucose-context.ts";
import { decodeView } from "./kinds.ts";
import { decodeRecordAccess, recordAccessResponse } from "./record-access.ts";
import { decodeWeight } from "./weight.ts";

const number = (value: number, decimals = 0) => ({ tag: "number", value, decimals });
const malformed = (reason: string) => ({ tag: "malformed", reason });
const shown = (kind: string, hex: string) => decodeView(kind, fromHex(hex));

describe("weight, 2a9d", () => {
  it("reads body mass index and height without time or user, in metres", () => {
    expect(decodeWeight(fromHex("08 b036 f500 d606"))).toMatchObject({
      record: { weight: number(70, 3), bmi: number(24.5, 1), height: number(1.75, 3), heightUnit: "m", userId: null },
    });
  });

  it("has no weight where the scale could not weigh", () => {
    expect(decodeWeight(fromHex("00 ffff"))).toMatchObject({ tag: "ok", record: { weight: null } });
    expect(shown("ble.2a9d", "00 ffff")).toEqual({ weight: null, measurementUnsuccessful: true, unit: "kg" });
  });

  it("shows the unknown user as nobody", () => {
    expect(shown("ble.2a9d", "04 8813 ff")).toMatchObject({ weight: 25, userId: null, userUnknown: true });
    expect(shown("ble.2a9d", "04 8813 02")).toMatchObject({ userId: 2 });
  });

  it("gives every raw value its exact decimal", () => {
    for (let raw = 0; raw < 0xffff; raw++) {
      const result = decodeWeight(Uint8Array.of(0, raw & 0xff, raw >> 8));
      if (result.tag !== "ok" || result.record.weight?.tag !== "number") throw new Error(`${raw} is not a weight`);
      if (result.record.weight.value !== Number(`${raw * 5}e-3`)) throw new Error(`${raw}`);
    }
  });

  it.each(["00 01", "00", "", "02 b036 e7070c190e1e", "0f 543d e7070c190e1e2d 03 f500 a8"])(
    "is truncated where the flags demand more than %j",
    (hex) => {
      expect(decodeWeight(fromHex(hex))).toMatchObject(malformed("truncated"));
    },
  );
});

describe("body composition, 2a9c", () => {
  it("reads every field in its place when all are there", () => {
    const hex = "ff1f 9600 e80706140a1e00 07 4006 c800 b80b e02e 1027 401f 4c1d 543d a802";
    expect(decodeBodyComposition(fromHex(hex))).toMatchObject({
      tag: "ok",
      record: {
        unit: "[lb_av]",
        bodyFatPercent: number(15, 1),
        time: { year: 2024, month: 6, day: 20 },
        userId: 7,
        basalMetabolismKJ: 1600,
        musclePercent: number(20, 1),
        muscleMass: number(30, 2),
        fatFreeMass: number(120, 2),
        softLeanMass: number(100, 2),
        bodyWaterMass: number(80, 2),
        impedanceOhm: number(750, 1),
        weight: number(157, 2),
        height: number(68, 1),
        heightUnit: "[in_i]",
        multiplePacket: true,
        reservedFlags: 0,
        trailing: 0,
      },
    });
  });

  it("reads muscle percentage before muscle mass", () => {
    expect(shown("ble.2a9c", "3000 6400 c800 b80b")).toMatchObject({
      bodyFatPercent: 10,
      musclePercent: 20,
      muscleMass: 15,
      unit: "kg",
    });
  });

  it("has no fat where the scale could not measure", () => {
    expect(shown("ble.2a9c", "0000 ffff")).toMatchObject({ bodyFatPercent: null, measurementUnsuccessful: true });
  });

  it("is truncated where the flags demand more, and reports reserved bits", () => {
    expect(decodeBodyComposition(fromHex("0001"))).toMatchObject(malformed("truncated"));
    expect(decodeBodyComposition(fromHex("c001 5000 e02e 1027 40"))).toMatchObject(malformed("truncated"));
    expect(shown("ble.2a9c", "00e0 3200 00")).toMatchObject({ reservedFlags: 0xe000, trailing: 1 });
  });
});

describe("glucose, 2a18", () => {
  it("has neither concentration nor unit without them", () => {
    const view = shown("ble.2a18", "00 2a00 e807030f0e1e2d");
    expect(view).toEqual({
      sequence: 42,
      baseTime: { year: 2024, month: 3, day: 15, time: "14:30:45", local: "2024-03-15T14:30:45" },
      userFacingLocal: "2024-03-15T14:30:45",
      contextFollows: false,
    });
  });

  it("shows mol/L in mmol/L", () => {
    expect(shown("ble.2a18", "07 1500 e807061408 0000 5a00 3ec0 11")).toMatchObject({
      unit: "mol/L",
      concentration: 0.0062,
      mmolPerL: 6.2,
      type: 1,
      sampleLocation: 1,
      timeOffsetMin: 90,
      userFacingLocal: "2024-06-20T09:30:00",
    });
  });

  it.each(["ff7f", "0080"])("does not guess a time from an overrun of the offset, %s", (offset) => {
    const hex = `01 0100 e807030f0e1e2d ${offset}`;
    expect(decodeGlucose(fromHex(hex))).toMatchObject({ record: { timeOffset: { tag: "unknown" } } });
    expect(shown("ble.2a18", hex)).toMatchObject({ timeOffsetMin: null, userFacingLocal: null });
  });

  it("reads the status without a concentration", () => {
    expect(shown("ble.2a18", "08 0100 e807010f0a1e00 0100")).toMatchObject({
      sensorStatus: 1,
      sensorFlags: ["deviceBatteryLow"],
    });
    expect(glucoseSensorFlags(0x0fff)).toHaveLength(12);
    expect(GLUCOSE_SENSOR_RESERVED).toBe(0xf000);
  });

  it("never makes a number of a special concentration", () => {
    expect(shown("ble.2a18", "02 0100 e807010f0a1e00 ff07 11")).toMatchObject({
      concentration: null,
      mgPerDl: null,
      special: { concentration: "not-a-number" },
    });
  });

  it("is truncated without the offset that the flags announce", () => {
    expect(decodeGlucose(fromHex("1b 0000 e207041a0b091e 1e00 12 0501"))).toMatchObject(malformed("truncated"));
    expect(decodeGlucose(fromHex("0001"))).toMatchObject(malformed("truncated"));
  });
});

describe("glucose context, 2a34", () => {
  it("reads every field in its place when all are there", () => {
    expect(decodeGlucoseContext(fromHex("ff 0000 b3 03 64d0 04 12 3c00 32 04 7bd0 59f1"))).toMatchObject({
      tag: "ok",
      record: {
        sequence: 0,
        extendedFlags: 0xb3,
        carbohydrateId: 3,
        carbohydrateKg: number(0.1, 3),
        meal: 4,
        tester: 2,
        health: 1,
        exerciseDurationS: 60,
        exerciseIntensityPercent: 50,
        medicationId: 4,
        medication: number(0.123, 3),
        medicationUnit: "L",
        hba1cPercent: number(34.5, 1),
        trailing: 0,
      },
    });
  });

  it("reads exercise, and carbohydrate with meal and exercise", () => {
    expect(shown("ble.2a34", "08 6400 8403 50")).toEqual({
      sequence: 100,
      exerciseDurationS: 900,
      exerciseIntensityPercent: 80,
    });
    expect(shown("ble.2a34", "0b 2a01 02 4bd0 01 5802 3c")).toMatchObject({
      sequence: 298,
      carbohydrateId: 2,
      carbohydrateKg: 0.075,
      meal: 1,
      exerciseDurationS: 600,
      exerciseIntensityPercent: 60,
    });
  });

  it("names kilograms and litres of medication apart", () => {
    expect(shown("ble.2a34", "10 0100 01 05a0")).toMatchObject({ medicationId: 1, medicationKg: 0.000005 });
    expect(shown("ble.2a34", "30 0100 01 05a0")).toMatchObject({ medicationL: 0.000005 });
  });

  it("reports the bytes of a padded buffer", () => {
    expect(shown("ble.2a34", `00 0100 ${"00".repeat(14)}`)).toEqual({ sequence: 1, trailing: 14 });
  });
});

describe("record access control point, 2a52", () => {
  it.each([
    ["06000101", 1, "success"],
    ["06000c02", 2, "opcode-not-supported"],
    ["06000103", 3, "invalid-operator"],
    ["06000204", 4, "operator-not-supported"],
    ["06000105", 5, "invalid-operand"],
    ["06000106", 6, "no-records-found"],
    ["06000307", 7, "abort-unsuccessful"],
    ["06000208", 8, "procedure-not-completed"],
    ["06000209", 9, "operand-not-supported"],
    ["0600010a", 10, "reserved"],
  ])("reads the response %s as %i, %s", (hex, responseCode, response) => {
    expect(shown("ble.2a52", hex)).toMatchObject({ opcode: 6, operator: 0, responseCode, response });
    expect(recordAccessResponse(responseCode)).toBe(response);
  });

  it.each([
    ["050001", 1],
    ["05000201", 258],
    ["050004030201", 16_909_060],
    ["0500ffffffff", 4_294_967_295],
  ])("reads the count %s as %i", (hex, numberOfRecords) => {
    expect(shown("ble.2a52", hex)).toEqual({ opcode: 5, operator: 0, numberOfRecords });
  });

  it.each([
    ["0101", { tag: "request", opcode: 1, operator: 1, filter: null }],
    ["0106", { tag: "request", opcode: 1, operator: 6, filter: null }],
    ["0300", { tag: "request", opcode: 3, operator: 0, filter: null }],
    ["0103010200", { opcode: 1, operator: 3, filter: { type: "sequence", minimum: 2, maximum: null } }],
    ["0402010500", { opcode: 4, operator: 2, filter: { type: "sequence", minimum: null, maximum: 5 } }],
    ["01040102000900", { operator: 4, filter: { type: "sequence", minimum: 2, maximum: 9 } }],
    ["010302e807030f0e1e2d", { filter: { type: "time", minimum: { year: 2024, second: 45 }, maximum: null } }],
  ])("reads the request %s", (hex, record) => {
    expect(decodeRecordAccess(fromHex(hex))).toMatchObject({ tag: "ok", record });
  });

  it.each([
    ["", "truncated"],
    ["06", "truncated"],
    ["0600", "truncated"],
    ["060001", "truncated"],
    ["060101", "format"],
    ["0600010100", "format"],
    ["0500", "truncated"],
    ["0500030201", "format"],
    ["0100", "format"],
    ["0107", "format"],
    ["010100", "format"],
    ["0103", "truncated"],
    ["01030102", "truncated"],
    ["0103030200", "format"],
    ["0301", "format"],
    ["0700", "format"],
    ["0000", "format"],
  ])("refuses %s as %s", (hex, reason) => {
    expect(decodeRecordAccess(fromHex(hex))).toMatchObject(malformed(reason));
  });
});

describe("continuous glucose, 2aa7 and 2aaa", () => {
  it("has a CRC where the size leaves room for one, and checks it", () => {
    expect(shown("ble.2aa7", "08 00 0c10 0600 586f")).toMatchObject({ outcome: "error", reason: "crc" });
    expect(shown("ble.2aa7", "08 00 0c10 0600 596f")).toMatchObject({ records: [{ glucoseMgDl: 120, crcOk: true }] });
  });

  it("reads each octet of status alone, and names their bits", () => {
    expect(shown("ble.2aa7", "07 80 7800 0500 02")).toMatchObject({
      records: [{ statusOctet: 2, flags: ["deviceBatteryLow"] }],
    });
    expect(shown("ble.2aa7", "07 40 7800 0500 14")).toMatchObject({
      records: [{ calTempOctet: 20, flags: ["calibrationRecommended", "sensorTemperatureTooHigh"] }],
    });
    expect(shown("ble.2aa7", "07 20 7800 0500 80")).toMatchObject({
      records: [{ warningOctet: 128, flags: ["aboveDeviceRange"] }],
    });
    expect(cgmFlags({ statusOctet: 0xff, calTempOctet: 0xff, warningOctet: 0xff })).toHaveLength(20);
  });

  it.each([
    ["", "truncated"],
    ["06 e3 0c10 00", "truncated"],
    ["07 e3 0c10 0600 00", "truncated"],
    ["09 00 0c10 0500 000000", "format"],
    ["07 00 0c10 0500 00", "format"],
    ["06 00 0c10 0500 06", "truncated"],
    ["00 00 0c10 0500", "truncated"],
  ])("refuses %j as %s", (hex, reason) => {
    expect(decodeCgmMeasurement(fromHex(hex))).toMatchObject(malformed(reason));
  });

  it("never makes a number of a special glucose", () => {
    expect(shown("ble.2aa7", "06 00 ff07 0500")).toMatchObject({
      records: [{ glucoseMgDl: null, special: { glucoseMgDl: "not-a-number" } }],
    });
  });

  it("starts a session in UTC only where date, zone and summer time are known", () => {
    expect(shown("ble.2aaa", "e007060f0a1e00 04 04")).toMatchObject({ startUtc: "2016-06-15T08:30:00Z", dstMin: 60 });
    expect(shown("ble.2aaa", "e007060f0a1e00 ec 00")).toMatchObject({
      startUtc: "2016-06-15T15:30:00Z",
      timeZoneMin: -300,
    });
    expect(shown("ble.2aaa", "00000418 0d0818 08 02")).toMatchObject({
      start: { year: null, local: null },
      timeZoneMin: 120,
      dstMin: 30,
      startUtc: null,
    });
    expect(shown("ble.2aaa", "e007060f0a1e00 80 04")).toMatchObject({ timeZoneMin: null, startUtc: null });
    expect(shown("ble.2aaa", "e007060f0a1e00 04 ff")).toMatchObject({ dstMin: null, startUtc: null });
  });

  it.each([
    ["e20704180d0818 08 04 e0", "truncated"],
    ["e20704180d0818 08", "truncated"],
    ["e20704180d0818 08 04 e0c2 00", "format"],
    ["e2070d180d0818 08 04", "range"],
    ["e20704180d0818 39 04", "range"],
    ["e20704180d0818 08 03", "range"],
  ])("refuses the session start %s as %s", (hex, reason) => {
    expect(shown("ble.2aaa", hex)).toMatchObject({ outcome: "error", reason });
  });
});

describe("16-bit CRCs", () => {
  const text = (value: string) => new TextEncoder().encode(value);

  it("has the published check values of both", () => {
    expect(crcMcrf4xx(text("A"))).toBe(0x5c0a);
    expect(crcMcrf4xx(text("123456789"))).toBe(0x6f91);
    expect(crcMcrf4xx(fromHex("58251f98"))).toBe(0x07f1);
    expect(crcCcittFalse(text("A"))).toBe(0xb915);
    expect(crcCcittFalse(text("123456789"))).toBe(0x29b1);
    expect(crcCcittFalse(fromHex("02060603"))).toBe(0x41cd);
    expect(crcCcittFalse(fromHex("02060803"))).toBe(0x62c2);
  });
});
