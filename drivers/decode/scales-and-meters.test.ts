import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeAndWeight } from "./aandd-line.ts";
import { decodeOptiumClock } from "./abbott-optium.ts";
import { decodeAstmFrame, decodeAstmHeader, decodeAstmResult } from "./astm.ts";
import { decodeView } from "./kinds.ts";
import { decodeLifescanFrame } from "./lifescan-binary.ts";
import { decodeUltra2Line, ultra2Comment } from "./lifescan-ultra2.ts";
import { decodeTaidocDateTime, decodeTaidocFrame, decodeTaidocGlucose } from "./taidoc.ts";
import { decodeTanita } from "./tanita-line.ts";
import { decodeVisomatMemory, VISOMAT_LONGEST } from "./visomat.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const malformed = (reason: string) => ({ tag: "malformed", reason });
const number = (value: number, decimals = 0) => ({ tag: "number", value, decimals });

describe("A&D weight line", () => {
  const weigh = (text: string) => decodeAndWeight(ascii(text));

  it.each([
    ["ST,+00070.20 kg\r\n", { header: "ST", stable: true, value: number(70.2, 2), unit: "kg", second: null }],
    ["US,+00069.95 kg\r\n", { header: "US", stable: false, overload: false, value: number(69.95, 2) }],
    ["QT,+00012345 PC\r\n", { header: "QT", stable: true, value: number(12_345), unit: "PC" }],
    ["ST,-0000012.5  g\r\n", { value: number(-12.5, 1), unit: "g" }],
    ["ST,-00000.00 kg\r\n", { value: number(0, 2) }],
    ["ST,+000123.4  %\r\n", { value: number(123.4, 1), unit: "%" }],
    ["ST,+00154.80 lb\r\n", { value: number(154.8, 2), unit: "lb" }],
    ["ST,NT,+00012.34kg\r\n", { second: "NT", value: number(12.34, 2), unit: "kg" }],
    ["ST,GS,+   12.34kg\r\n", { second: "GS", value: number(12.34, 2) }],
    ["OL,-99999999 PC\r\n", { overload: true, stable: false, value: null, unit: "PC" }],
    ["OL,+9999999E+19\r\n", { overload: true, value: null }],
    ["OL,GS,+    .   kg\r\n", { overload: true, value: null, second: "GS", unit: "kg" }],
  ])("reads %j", (text, record) => {
    expect(weigh(text)).toMatchObject({ tag: "ok", record });
  });

  it("keeps the precision of 70.20", () => {
    expect(decodeView("serial.aandd.weight.line", ascii("ST,+00070.20 kg\r\n"))).toMatchObject({
      value: 70.2,
      decimals: 2,
    });
  });

  it("reads a standard line whose terminator is gone, and no other", () => {
    expect(weigh("ST,+00070.20 kg")).toMatchObject({ tag: "ok" });
    expect(weigh("ST,+00070.20 k")).toMatchObject(malformed("truncated"));
    expect(weigh("ST,NT,+00012.34k")).toMatchObject(malformed("truncated"));
  });

  it.each([
    ["", "truncated"],
    ["\r\n", "truncated"],
    ["XX,+00070.20 kg\r\n", "format"],
    ["ST,+00070.20\r\n", "format"],
    ["ST,+00070.20  k\r\n", "format"],
    ["ST,+000x0.20 kg\r\n", "format"],
    ["ST,00070.20 kg\r\n", "format"],
    ["ST,+9999999E+19 kg\r\n", "format"],
    ["ST,+0007\u00b0.20 kg\r\n", "format"],
    ["T,+00070.20 kg\r\n", "format"],
  ])("refuses %j as %s", (text, reason) => {
    expect(weigh(text)).toMatchObject(malformed(reason));
  });
});

/** The printed checksum rule: low byte of the sum of all octets before CS. */
const tanita = (items: string): Uint8Array => {
  const body = `{0,16,~0,1,~1,1,~2,1,${items},`;
  const sum = [...body].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
  return ascii(`${body}CS,${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`);
};

describe("Tanita line", () => {
  it("reads a scale that measures weight only", () => {
    expect(decodeTanita(tanita('MO,"WB-3000",Hm,170.5,Wk,82.70,MI,28.4'))).toMatchObject({
      tag: "ok",
      record: {
        model: "WB-3000",
        serial: null,
        massUnit: "kg",
        weight: number(82.7, 2),
        heightCm: number(170.5, 1),
        bmi: number(28.4, 1),
        fatMassKg: null,
      },
    });
  });

  it("reads pounds as pounds, and no other mass with them", () => {
    const bytes = tanita('MO,"WB-3000",Wp,182.4,fW,33.9,MI,28.4');
    expect(decodeTanita(bytes)).toMatchObject({ record: { massUnit: "[lb_av]", fatMassKg: null } });
    expect(decodeView("serial.tanita.line", bytes)).toMatchObject({ weightLb: 182.4, bmi: 28.4 });
    expect(decodeView("serial.tanita.line", bytes)).not.toHaveProperty("weightKg");
  });

  it("has no value for a field that is not a number", () => {
    expect(decodeTanita(tanita("Wk,82.7,FW,----"))).toMatchObject({ record: { bodyFatPercent: null } });
  });

  it.each([
    ["", "truncated"],
    ["Wk,82.7", "sync"],
    ["{0,16,Wk,82.7\r\n", "truncated"],
    ["{0,16,Wk,82.7,CS,F\r\n", "truncated"],
    ["{0,16,Wk,82.7,CS,XY\r\n", "format"],
    ["{0,16,Wk,82.7,CS,00\r\n", "checksum"],
  ])("refuses %j as %s", (text, reason) => {
    expect(decodeTanita(ascii(text))).toMatchObject(malformed(reason));
  });

  it("refuses a line without a weight", () => {
    expect(decodeTanita(tanita("FW,18.6"))).toMatchObject(malformed("format"));
  });
});

const ultra2 = (text: string): Uint8Array => {
  const sum = [...text].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xffff;
  return ascii(`${text} ${sum.toString(16).toUpperCase().padStart(4, "0")}\r\n`);
};

describe("LifeScan Ultra 2 line", () => {
  const reading = (value: string, meal = "N", comment = "00") =>
    ultra2(`P "SAT","03/21/15","16:42:11   ","${value}","${meal}","${comment}", 00`);

  it.each([
    ["  105 ", "N", { mgPerDl: 105, control: false, meal: "none", parityError: false }],
    ["C 105 ", "B", { mgPerDl: 105, control: true, meal: "before" }],
    ["  105?", "A", { mgPerDl: 105, parityError: true, meal: "after" }],
  ])("reads the value %j with meal %s", (value, meal, record) => {
    expect(decodeUltra2Line(reading(value, meal))).toMatchObject({ tag: "ok", record });
  });

  it("reads what else the meter answers", () => {
    expect(decodeUltra2Line(ultra2('@ "GMF600DCY"'))).toMatchObject({ record: { tag: "serial", serial: "GMF600DCY" } });
    expect(decodeUltra2Line(ultra2("?P02.00.00 30/08/06"))).toMatchObject({
      record: { tag: "version", version: "P02.00.00 30/08/06" },
    });
    expect(decodeUltra2Line(ultra2('F "SAT","08/03/13","22:12:00   "'))).toMatchObject({
      record: { tag: "clock", time: { year: 2013, month: 8, day: 3, hour: 22, minute: 12 } },
    });
    expect(decodeUltra2Line(ultra2('SU?,"MMOL/L"'))).toMatchObject({ record: { tag: "unit", displayUnit: "MMOL/L" } });
    expect(decodeUltra2Line(ultra2("Z"))).toMatchObject({ record: { tag: "other", text: "Z" } });
    expect(decodeView("serial.lifescan.ultra2.line", ultra2('T "SAT","08/03/13","22:12:00   "'))).toEqual({
      record: "clock",
      local: "2013-08-03T22:12:00",
    });
  });

  it("names the twelve comments", () => {
    expect(ultra2Comment("02")).toBe("too-much-food");
    expect(ultra2Comment("11")).toBe("other");
    expect(decodeUltra2Line(reading("  105 ", "N", "12"))).toMatchObject(malformed("format"));
  });

  it.each([
    ["INVALID", "format"],
    [".\r", "format"],
    ["% 2500\r", "checksum"],
    ["% 1337\r", "checksum"],
    ["% 13AZ\r", "format"],
    ['@ "12345678O" 0297\r', "format"],
    ["", "truncated"],
  ])("refuses %j as %s", (text, reason) => {
    expect(decodeUltra2Line(ascii(text))).toMatchObject(malformed(reason));
  });

  it("refuses a date that no calendar has, and a memory line that is no reading", () => {
    expect(decodeUltra2Line(ultra2('P "SAT","02/30/15","16:42:11   ","  105 ","N","00", 00'))).toMatchObject(
      malformed("range"),
    );
    expect(decodeUltra2Line(reading("  1O5 "))).toMatchObject(malformed("format"));
  });
});

describe("LifeScan binary frame", () => {
  it("reads message and link control", () => {
    expect(decodeLifescanFrame(fromHex("020903050d0203089f"))).toMatchObject({
      record: {
        length: 9,
        linkControl: 3,
        more: false,
        sequenceNumber: true,
        expectReceive: true,
        acknowledge: false,
        message: Uint8Array.of(5, 13, 2),
      },
    });
  });

  it.each([
    ["0206", "truncated"],
    ["03060803c262", "sync"],
    ["02050803c262", "format"],
    ["02070803c262", "truncated"],
    ["02060803c26200", "format"],
    ["02060803c263", "crc"],
    ["02060903c262", "crc"],
  ])("refuses %s as %s", (hex, reason) => {
    expect(decodeLifescanFrame(fromHex(hex))).toMatchObject(malformed(reason));
  });
});

describe("TaiDoc", () => {
  it("tells the direction and the four octets", () => {
    expect(decodeView("serial.taidoc.frame", fromHex("512421240e15a582"))).toMatchObject({
      command: 0x24,
      message: "21240e15",
      direction: "device-to-host",
    });
    expect(decodeTaidocFrame(fromHex("512200000000a417"))).toMatchObject(malformed("format"));
    expect(decodeTaidocFrame(fromHex("522200000000a317"))).toMatchObject(malformed("sync"));
    expect(decodeTaidocFrame(fromHex("512200000000a3"))).toMatchObject(malformed("truncated"));
    expect(decodeTaidocFrame(fromHex("512200000000a31600"))).toMatchObject(malformed("format"));
  });

  it("reads date and value of a stored reading", () => {
    expect(decodeView("serial.taidoc.datetime", fromHex("21260e15"))).toEqual({ local: "2019-01-01T21:14" });
    expect(decodeTaidocDateTime(fromHex("21240e18"))).toMatchObject(malformed("range"));
    expect(decodeTaidocDateTime(fromHex("21240e"))).toMatchObject(malformed("truncated"));
    expect(decodeTaidocGlucose(fromHex("7b000040"))).toMatchObject({ record: { mgPerDl: 123, meal: "before" } });
    expect(decodeTaidocGlucose(fromHex("2c010080"))).toMatchObject({ record: { mgPerDl: 300, meal: "after" } });
    expect(decodeTaidocGlucose(fromHex("2c0100c0"))).toMatchObject(malformed("format"));
  });
});

const astm = (no: string, text: string, end = "\x03"): string => {
  const body = `${no}${text}\r${end}`;
  const sum = [...body].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
  return `\x02${body}${sum.toString(16).toUpperCase().padStart(2, "0")}\r\n`;
};

describe("ASTM", () => {
  it("tells the last frame of a message from the others", () => {
    expect(decodeAstmFrame(ascii(astm("2", "L|1||N")))).toEqual({
      tag: "ok",
      record: { frameNo: 2, more: false, text: "L|1||N" },
    });
    expect(decodeAstmFrame(ascii(astm("7", "P|1", "\x17")))).toMatchObject({ record: { frameNo: 7, more: true } });
    expect(decodeAstmFrame(ascii(`\x04${astm("1", "P|1")}\x05`))).toMatchObject({ record: { text: "P|1" } });
  });

  it.each([
    ["", "truncated"],
    ["\x02", "truncated"],
    ["\x021P|1\r", "truncated"],
    ["\x021P|1\r\x03A", "truncated"],
    ["\x021P|1\r\x03XX\r\n", "format"],
    ["\x021P|1\r\x0300\r\n", "checksum"],
    ["P|1", "sync"],
    ["x\x021P|1\r\x03", "sync"],
    [`${astm("1", "P|1")}x`, "format"],
    [astm("9", "P|1"), "format"],
  ])("refuses %j as %s", (text, reason) => {
    expect(decodeAstmFrame(ascii(text))).toMatchObject(malformed(reason));
  });

  it("reads a result in mmol/L with its precision, and one that is no number", () => {
    expect(decodeAstmResult(ascii("R|12|^^^Glucose|7.40|mmol/L^P||A||20120205203415"))).toMatchObject({
      record: { sequence: 12, value: number(7.4, 2), unit: "mmol/L", flags: "A", time: { second: 15 } },
    });
    expect(decodeView("serial.astm.result", ascii("R|1|^^^Glucose|HI|mg/dL^P||>||201202052034"))).toMatchObject({
      value: null,
      valueText: "HI",
      flags: ">",
    });
  });

  it.each([
    ["", "truncated"],
    ["H|\\^&", "format"],
    ["R|x|^^^Glucose|133|mg/dL^P||B||201202052034", "format"],
    ["R|8|^^^|133|mg/dL^P||B||201202052034", "format"],
    ["R|8|^^^Glucose|133|mg/dL^P||B", "truncated"],
    ["R|8|^^^Glucose|133|mg/dL^P||B||20120205", "format"],
    ["R|8|^^^Glucose|133|mg/dL^P||B||201202302034", "range"],
  ])("refuses the result %j as %s", (text, reason) => {
    expect(decodeAstmResult(ascii(text))).toMatchObject(malformed(reason));
  });

  it("reads who sends from the header", () => {
    const header = "H|\\^&||7w3LBL|Bayer7390^01.24\\01.04\\09.02.20^7390-2336773^7403-|A=1|1714||||||1|201909221304";
    expect(decodeAstmHeader(ascii(header))).toMatchObject({
      record: {
        product: "Bayer7390",
        serial: "7390-2336773",
        versions: ["01.24", "01.04", "09.02.20"],
        time: { year: 2019, month: 9, day: 22, hour: 13, minute: 4 },
      },
    });
    expect(decodeAstmHeader(ascii("P|1"))).toMatchObject(malformed("format"));
    expect(decodeAstmHeader(ascii("H|\\^&||x|y"))).toMatchObject(malformed("truncated"));
  });
});

describe("Abbott Optium clock", () => {
  it("reads every month", () => {
    const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    months.forEach((name, at) => {
      expect(decodeOptiumClock(ascii(`Clock:\t${name}  10 2013\t14:26:44\r\n`))).toMatchObject({
        record: { month: at + 1, day: 10 },
      });
    });
  });

  it.each([
    ["", "truncated"],
    ["Apr 22 2014 02:14:37", "format"],
    ["Clock:\tXxx  10 2013\t14:26", "format"],
    ["Clock:\tXxx  10 2013\t14:26:44", "format"],
    ["Clock:\tSep  29 2013\t17:35:22.34", "format"],
    ["Foo", "format"],
    ["Clock:\tFeb  30 2013\t17:35:22", "range"],
  ])("refuses %j as %s", (text, reason) => {
    expect(decodeOptiumClock(ascii(text))).toMatchObject(malformed(reason));
  });
});

describe("Visomat memory", () => {
  it("reads an empty memory with its dummy digit, in STX and ETX", () => {
    expect(decodeVisomatMemory(ascii("\x02M1001M20115110321300134097083\x03"))).toMatchObject({
      tag: "ok",
      record: [
        { user: 1, readings: [] },
        { user: 2, readings: [{ time: { year: 2015, month: 11 }, flag: 0, systolic: 134, diastolic: 97, pulse: 83 }] },
      ],
    });
  });

  it("keeps a record without a possible date, and shows no time for it", () => {
    expect(decodeView("serial.visomat.memory", ascii("M10100000000000134097083"))).toMatchObject({
      memories: [{ records: [{ local: null, systolic: 134 }] }],
    });
  });

  it.each([
    ["", "truncated"],
    ["M1", "truncated"],
    ["M100", "truncated"],
    ["M1x0", "format"],
    ["X100", "format"],
    ["M10115110321300134097x83", "format"],
    ["M1011511032130013409708", "truncated"],
  ])("refuses %j as %s", (text, reason) => {
    expect(decodeVisomatMemory(ascii(text))).toMatchObject(malformed(reason));
  });

  it("refuses what no cuff can hold", () => {
    expect(decodeVisomatMemory(ascii("M".repeat(VISOMAT_LONGEST + 1)))).toMatchObject(malformed("overlong"));
  });
});
