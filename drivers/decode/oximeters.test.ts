import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { createNoninDf2Framer } from "../framer/nonin-df2.ts";
import { decodeContecLive, decodeContecRecorded, isContecMeasurement } from "./contec.ts";
import { decodeView } from "./kinds.ts";
import { decodeNoninMessage } from "./nonin-command.ts";
import { createNoninDf2PacketReader, decodeNoninDf2Frame, type NoninDf2Packet } from "./nonin-df2.ts";
import { decodeNoninDf8 } from "./nonin-df8.ts";
import { decodeNoninDf13 } from "./nonin-df13.ts";

const malformed = (reason: string) => ({ tag: "malformed", reason });
const shown = (kind: string, hex: string) => decodeView(kind, fromHex(hex));

const df2Frame = (status: number, pleth: number, value: number): number[] => [
  0x01,
  status,
  pleth,
  value,
  (1 + status + pleth + value) & 0xff,
];

/** A packet of 25 frames after the table of 6470-000-01, page 8; bytes that are not given are 0. */
const df2Packet = (values: Readonly<Record<number, number>>, status = 0x80): number[] =>
  Array.from({ length: 25 }, (_, at) => df2Frame(at === 0 ? status | 1 : status, 1, values[at + 1] ?? 0)).flat();

const packetsOf = (bytes: readonly number[]): NoninDf2Packet[] => {
  const reader = createNoninDf2PacketReader();
  const framed = [...createNoninDf2Framer().push(Uint8Array.from(bytes))];
  return framed.flatMap((piece) => reader.push(piece) ?? []);
};

const GOOD = df2Packet({ 1: 0, 2: 72, 3: 97, 9: 97, 20: 0, 21: 72 });

describe("Nonin format 2", () => {
  it("reads the status of a frame bit by bit", () => {
    const of = (status: number) => decodeNoninDf2Frame(Uint8Array.from(df2Frame(status, 2, 0)));
    expect(of(0x82)).toMatchObject({ record: { perfusion: "green", sync: false } });
    expect(of(0x84)).toMatchObject({ record: { perfusion: "red" } });
    expect(of(0x86)).toMatchObject({ record: { perfusion: "yellow" } });
    expect(of(0x88)).toMatchObject({ record: { sensorAlarm: true, outOfTrack: false, artifact: false } });
    expect(of(0x90)).toMatchObject({ record: { outOfTrack: true } });
    expect(of(0xa0)).toMatchObject({ record: { artifact: true } });
    expect(of(0xc1)).toMatchObject({ record: { sync: true, perfusion: "none" } });
  });

  it.each([
    ["", "truncated"],
    ["01810200", "truncated"],
    ["018002008300", "format"],
    ["0080020082", "sync"],
    ["017f020082", "sync"],
    ["0180020000", "checksum"],
  ])("refuses the frame %j as %s", (hex, reason) => {
    expect(decodeNoninDf2Frame(fromHex(hex))).toMatchObject(malformed(reason));
  });

  it("puts nine bits of pulse together and masks the reserved ones", () => {
    expect(packetsOf(df2Packet({ 1: 0x7d, 2: 0xff, 3: 0xe1, 20: 2, 21: 5 }))).toMatchObject([
      { pulse: 255, spo2: 97, pulseD: 261 },
    ]);
  });

  it("has no value where the oximeter sends 511 and 127", () => {
    const missing = {
      1: 3,
      2: 127,
      3: 127,
      9: 127,
      10: 127,
      11: 127,
      14: 3,
      15: 127,
      16: 127,
      17: 127,
      20: 3,
      21: 127,
    };
    expect(packetsOf(df2Packet({ ...missing, 22: 3, 23: 127 }, 0x88))).toMatchObject([
      {
        pulse: null,
        spo2: null,
        spo2D: null,
        spo2Fast: null,
        spo2BB: null,
        ePulse: null,
        eSpo2: null,
        eSpo2D: null,
        pulseD: null,
        ePulseD: null,
        sensorAlarm: true,
      },
    ]);
  });

  it("reads timer, revision and second status", () => {
    expect(packetsOf(df2Packet({ 4: 148, 6: 1, 7: 23, 8: 0x21 }))).toMatchObject([
      { srev: 148, timer: 151, stat2: 0x21, smartPoint: true, lowBattery: true },
    ]);
  });

  it("tells the worst perfusion and any alarm of a packet", () => {
    const mixed = [...GOOD];
    mixed.splice(5, 5, ...df2Frame(0x82, 1, 72));
    mixed.splice(50, 5, ...df2Frame(0xb6, 1, 0));
    expect(packetsOf(mixed)).toMatchObject([{ perfusion: "yellow", artifact: true, outOfTrack: true }]);
  });

  it("puts no packet together across a lost frame, even where 25 others follow", () => {
    const second = df2Packet({ 1: 0, 2: 80, 3: 95 });
    const damaged = [...GOOD, ...second];
    damaged[14] = 0xff;
    damaged[125 + 4] = 0xff;
    expect(packetsOf([...damaged, ...GOOD])).toMatchObject([{ pulse: 72, spo2: 97 }]);
  });

  it("drops a packet that a new one cuts short, and frames without a packet", () => {
    const stream = [...GOOD.slice(0, 115), ...GOOD, ...df2Frame(0x80, 1, 0), ...df2Frame(0x80, 1, 0), ...GOOD];
    expect(packetsOf(stream)).toHaveLength(2);
    const view = decodeView("serial.nonin.df2.stream", Uint8Array.from(stream));
    expect(view).toMatchObject({ leadingFramesSkipped: 0, framesDropped: 25, framingErrors: 0 });
  });

  it("counts the frames that noise took, and what may become a frame", () => {
    const noisy = [...GOOD, 0x00, 0xff, ...GOOD, 0x01, 0x81];
    expect(decodeView("serial.nonin.df2.stream", Uint8Array.from(noisy))).toMatchObject({
      packets: [{ pulse: 72 }, { pulse: 72 }],
      framingErrors: 1,
      trailing: 2,
    });
    expect(shown("serial.nonin.df2.stream", "0181010083 017f0148ca")).toMatchObject({ packets: [], framingErrors: 1 });
  });
});

describe("Nonin format 8", () => {
  it("reads values and status", () => {
    expect(decodeNoninDf8(fromHex("81 05 61 29"))).toEqual({
      tag: "ok",
      record: {
        pulse: 133,
        spo2: 97,
        outOfTrack: false,
        lowPerfusion: false,
        marginalPerfusion: false,
        artifact: false,
        smartPoint: true,
        sensorAlarm: true,
        lowBattery: true,
      },
    });
    expect(decodeNoninDf8(fromHex("bc 48 61 00"))).toMatchObject({
      record: { outOfTrack: true, lowPerfusion: true, marginalPerfusion: true, artifact: true, smartPoint: false },
    });
  });

  it("has no value where the oximeter sends 511 and 127", () => {
    expect(decodeNoninDf8(fromHex("83 7f 7f 08"))).toMatchObject({ record: { pulse: null, spo2: null } });
  });

  it.each([
    ["814861", "truncated"],
    ["8148610000", "format"],
    ["01486100", "sync"],
    ["81c86100", "sync"],
    ["814861 80", "sync"],
  ])("refuses %s as %s", (hex, reason) => {
    expect(decodeNoninDf8(fromHex(hex))).toMatchObject(malformed(reason));
  });
});

const df13 = (data: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 2, 0, 0x0d, 0, data.length, ...data, data.reduce((sum, octet) => sum + octet, 0) & 0xff, 3]);

const CLOCK_BCD = [0x20, 0x24, 0x06, 0x15, 0x17, 0x08, 0x27, 0x00];

describe("Nonin format 13", () => {
  it("reads a stored measurement of high quality", () => {
    expect(decodeNoninDf13(df13([...CLOCK_BCD, 0x02, 0x11, 0x00, 0x48, 0x00, 0x61]))).toEqual({
      tag: "ok",
      record: {
        time: { year: 2024, month: 6, day: 15, hour: 17, minute: 8, second: 27 },
        fraction: 0,
        pulse: 72,
        spo2: 97,
        status: 0x0211,
        smartPoint: true,
        noMeasurement: false,
        fromMemory: true,
        lowBattery: true,
        reservedStatus: 0,
        trailing: 0,
      },
    });
  });

  it("has no value where the oximeter sends 511 and 127", () => {
    expect(decodeNoninDf13(df13([...CLOCK_BCD, 0x01, 0x00, 0x01, 0xff, 0x00, 0x7f]))).toMatchObject({
      record: { pulse: null, spo2: null, noMeasurement: true, smartPoint: false },
    });
  });

  it("reads nine bits of pulse, and data that a later version adds", () => {
    expect(decodeNoninDf13(df13([...CLOCK_BCD, 0, 0, 0x01, 0x05, 0, 0x60, 0xaa, 0xbb]))).toMatchObject({
      record: { pulse: 261, spo2: 96, trailing: 2 },
    });
  });

  it("shows the time of a record", () => {
    const bytes = df13([...CLOCK_BCD, 0x02, 0x00, 0x00, 0x48, 0x00, 0x61]);
    expect(decodeView("serial.nonin.df13.record", bytes)).toMatchObject({ local: "2024-06-15T17:08:27", pulse: 72 });
  });

  it("refuses every single flipped bit", () => {
    const bytes = df13([...CLOCK_BCD, 0x02, 0x11, 0x00, 0x48, 0x00, 0x61]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeNoninDf13(flipped).tag, `bit ${bit}`).toBe("malformed");
    }
  });

  it("refuses a clock that is not decimal, and a record that is too short", () => {
    expect(decodeNoninDf13(df13([0x20, 0x2a, 6, 0x15, 0x17, 8, 0x27, 0, 2, 0, 0, 0x48, 0, 0x61]))).toMatchObject(
      malformed("range"),
    );
    expect(decodeNoninDf13(df13([0x20, 0x24]))).toMatchObject(malformed("truncated"));
    expect(decodeNoninDf13(df13([...CLOCK_BCD, 2, 0, 0, 0x48, 0, 0x61]).subarray(0, 21))).toMatchObject(
      malformed("truncated"),
    );
  });
});

describe("messages of the Nonin 9560", () => {
  it.each([
    ["06", { tag: "ack" }],
    ["15", { tag: "nak" }],
    ["02720003", { tag: "clock-request", opcode: 0x72, size: 0 }],
    ["02f206180c1f0e1e0f03", { tag: "clock", opcode: 0xf2, time: { year: 2024, month: 12, day: 31, hour: 14 } }],
    ["027002020d03", { tag: "set-format", dataType: 2, dataFormat: 13 }],
    ["027401aa03", { tag: "other", opcode: 0x74, size: 1 }],
  ])("reads %s", (hex, record) => {
    expect(decodeNoninMessage(fromHex(hex))).toMatchObject({ tag: "ok", record });
  });

  it.each([
    ["", "truncated"],
    ["02", "truncated"],
    ["0272060c", "truncated"],
    ["0272000300", "format"],
    ["02720004", "format"],
    ["03720003", "sync"],
    ["027206640c1f0e1e0f03", "range"],
    ["0272061d021e0e1e0f03", "range"],
  ])("refuses %j as %s", (hex, reason) => {
    expect(decodeNoninMessage(fromHex(hex))).toMatchObject(malformed(reason));
  });
});

describe("Contec CMS50", () => {
  it("reads each field over its whole range", () => {
    for (let x = 0; x < 256; x++) {
      const high = (x & 0x80) >> 1;
      expect(decodeContecLive(Uint8Array.of(0x80, 0, high, x & 0x7f, 0))).toMatchObject({ record: { pulse: x } });
      expect(decodeContecRecorded(Uint8Array.of(0xf0 | (x >> 7), 0x80 | (x & 0x7f), 0))).toMatchObject({
        record: { pulse: x },
      });
    }
    for (let x = 0; x < 128; x++) {
      expect(decodeContecLive(Uint8Array.of(0x80, x, 0, 0, x))).toMatchObject({ record: { waveform: x, spo2: x } });
      expect(decodeContecRecorded(Uint8Array.of(0xf0, 0x80, x))).toMatchObject({ record: { spo2: x } });
    }
    for (let x = 0; x < 16; x++) {
      expect(decodeContecLive(Uint8Array.of(0x80 | x, 0, x, 0, 0))).toMatchObject({
        record: { signalStrength: x, barGraph: x },
      });
    }
  });

  it.each([
    [0x90, 0, "fingerOut"],
    [0xa0, 0, "droppingSpo2"],
    [0xc0, 0, "beep"],
    [0x80, 0x10, "probeError"],
    [0x80, 0x20, "searching"],
  ])("reads octets %i and %i as %s alone", (first, third, flag) => {
    const off = { fingerOut: false, droppingSpo2: false, beep: false, probeError: false, searching: false };
    expect(decodeContecLive(Uint8Array.of(first, 0, third, 0, 0))).toMatchObject({ record: { ...off, [flag]: true } });
  });

  it("refuses a wrong bit 7 in any octet, and a wrong length", () => {
    for (let at = 0; at < 5; at++) {
      const bytes = Uint8Array.of(0x80, 0, 0, 0, 0);
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
      expect(decodeContecLive(bytes)).toMatchObject(malformed("sync"));
    }
    for (const hex of ["000000", "f00000", "008000", "f08080", "f28000"]) {
      expect(decodeContecRecorded(fromHex(hex))).toMatchObject(malformed("sync"));
    }
    expect(decodeContecLive(new Uint8Array(4))).toMatchObject(malformed("truncated"));
    expect(decodeContecLive(new Uint8Array(6))).toMatchObject(malformed("format"));
    expect(decodeContecRecorded(fromHex("f080"))).toMatchObject(malformed("truncated"));
  });

  it("takes for a measurement only what no status speaks against", () => {
    const live = (hex: string) => {
      const result = decodeContecLive(fromHex(hex));
      return result.tag === "ok" && isContecMeasurement(result.record);
    };
    expect(live("8500004862")).toBe(true);
    expect(live("9500004862")).toBe(false);
    expect(live("8500104862")).toBe(false);
    expect(live("8500204862")).toBe(false);
    expect(live("8500000062")).toBe(false);
    expect(live("850040487f")).toBe(false);
    expect(live("8500407f62")).toBe(false);
  });
});
