import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { codeOf } from "../../protocol/codes.ts";
import { MISSING_PULSE, MISSING_SPO2, noninPacket, noninSpotPacket, type OximeterPacket } from "./nonin-frames.ts";
import { aanddLine, tanitaLine } from "./scale-lines.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The published packet of pulse 72, SpO2 97 (vector v142, pufferfish-vent-software TestPacketReceiver). */
const PUBLISHED_PACKET =
  "018101008301800148ca01800161e301800130b2018001008201800100820180010082018001008201800161e301800161e301800161e301" +
  "800100820180010082018001008201800148ca01800161e301800161e301800100820180010082018001008201800148ca018001008201" +
  "800148ca01800100820180010082";

/** The sample of the Tanita SC-240 manual, page 24 (vector v198). */
const PUBLISHED_TANITA =
  '{0,16,~0,1,~1,1,~2,1,MO,"SC-240",SN,"00000002",Bt,0,GE,1,AG,30,Hm,170,Pt,0.0,Wk,82.7,FW,18.6,fW,15.4,MW,67.3,' +
  "mW,64.0,sW,19,bW,3.3,wW,48.0,ww,58.0,MI,28.6,Sw,63.6,OV,30.0,IF,6,rb,8255,rB,1973,rJ,12,rA,28,ZF,369.4,CS,FD\r\n";

const packet = (over: Partial<OximeterPacket> = {}): OximeterPacket => ({
  pulse: 72,
  spo2: 97,
  spo2Beat: 97,
  pulseDisplay: 72,
  spo2Display: 97,
  timer: 0,
  pleth: Array.from({ length: 25 }, () => 1),
  beatAt: null,
  fingerRemoved: false,
  artifact: false,
  ...over,
});

const framesOf = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / 5 }, (_, index) => bytes.slice(index * 5, index * 5 + 5));

describe("scale lines", () => {
  it("are those of the A&D manual: 17 bytes, sign, eight characters, unit right-aligned", () => {
    expect(text(aanddLine("ST", 7235).bytes)).toBe("ST,+00072.35 kg\r\n");
    expect(text(aanddLine("US", 12345).bytes)).toBe("US,+00123.45 kg\r\n");
    expect(text(aanddLine("ST", -5).bytes)).toBe("ST,-00000.05 kg\r\n");
    expect(aanddLine("ST", 7230).values).toEqual([{ quantity: "body-weight", value: 72.3, decimals: 2, unit: "kg" }]);
  });

  it("are those of the Tanita manual, checksum included", () => {
    const body = {
      weightTenths: 827,
      fatPercentTenths: 186,
      impedanceOhmTenths: 3694,
      heightCm: 170,
      age: 30,
      gender: "male",
    } as const;
    expect(text(tanitaLine(body, "2").bytes)).toBe(PUBLISHED_TANITA);
    expect(tanitaLine(body, "2").values).toContainEqual({ quantity: "bmi", value: 28.6, decimals: 1, unit: "kg/m2" });
  });

  it("say what they mean in words of the code table", () => {
    for (const { quantity, unit } of aanddLine("ST", 1).values) expect(codeOf(quantity).ucum).toBe(unit);
  });
});

describe("Nonin data format 2", () => {
  it("puts every item into the frame in which a published packet has it", () => {
    const own = framesOf(noninPacket(packet()));
    const published = framesOf(fromHex(PUBLISHED_PACKET));
    const differing = own.flatMap((frame, index) =>
      toHex(frame) === toHex(published[index] ?? frame) ? [] : [index + 1],
    );
    // 8 is STAT2, which says a high-quality measurement here and not there.
    expect(differing).toEqual([8]);
    expect(own).toHaveLength(published.length);
  });

  it("sums every frame, starts it with 01, and marks the first of a packet only", () => {
    for (const [index, frame] of framesOf(noninPacket(packet({ beatAt: 20, timer: 300 }))).entries()) {
      const [start = 0, status = 0, pleth = 0, item = 0, sum = 0] = frame;
      expect(start).toBe(1);
      expect(status & 0x81).toBe(index === 0 ? 0x81 : 0x80);
      expect(item).toBeLessThan(128);
      expect((start + status + pleth + item) & 0xff).toBe(sum);
    }
  });

  it("splits pulse and timer into seven bits, and says so when values are missing", () => {
    const items = framesOf(noninPacket(packet({ pulse: 200, timer: 300 }))).map((frame) => frame[3]);
    expect(items.slice(0, 2)).toEqual([1, 72]);
    expect(items.slice(5, 7)).toEqual([2, 44]);
    const none = framesOf(noninPacket(packet({ pulse: MISSING_PULSE, spo2: MISSING_SPO2, fingerRemoved: true })));
    expect(none.map((frame) => frame[3]).slice(0, 3)).toEqual([3, 127, 127]);
    expect(none.every((frame) => ((frame[1] ?? 0) & 0x08) !== 0)).toBe(true);
  });
});

describe("Nonin data format 13", () => {
  it("is the packet of the manual, date in BCD, pulse in 16 bits, sum over the data", () => {
    const time = { year: 2026, month: 6, day: 15, hour: 17, minute: 9, second: 59 };
    const hex = toHex(noninSpotPacket({ pulse: 300, spo2: 96, time, fromMemory: true, lowBattery: false }));
    const data = "2026061517095900" + "0210" + "012c" + "00" + "60";
    const sum = [...fromHex(data)].reduce((total, byte) => total + byte, 0) & 0xff;
    expect(hex).toBe(`0002000d000e${data}${sum.toString(16).padStart(2, "0")}03`);
  });
});
