import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { codeOf } from "../../protocol/codes.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createSimulatedClock } from "../clock/simulated-clock.ts";
import { createChance } from "../radio/seeded.ts";
import { createAbbottOptium, optiumClockLine, optiumMemory, optiumResult } from "./abbott-optium.ts";
import { createContecOximeter } from "./contec-oximeter.ts";
import { liveSample, recordedHeader, recordedSample } from "./contec-samples.ts";
import { GLUCOSE_QUANTITY } from "./glucose-result.ts";
import { asText } from "./local-parts.ts";
import { fakeLine, meterBench } from "./meter-bench.ts";
import { noninSecond } from "./nonin-df8.ts";
import { MISSING_PULSE, MISSING_SPO2 } from "./nonin-frames.ts";
import { createNoninSecondStream } from "./nonin-second-stream.ts";
import { createVisomatCuff } from "./visomat-cuff.ts";

/** The dump in the README of visomat-utils (v200). */
const PUBLISHED_DUMP =
  "M1061001011202115110212010010112081156107116100101120301030650734406011320011306806610010113110127084066" +
  "10010112030106068066" +
  "M2071001011203115511111610010112020117070076440601131201280710724406011317012605006544060113190114063066" +
  "100101140001140700711303121145" +
  "0121080072";

describe("Visomat", () => {
  const at = (text: string): number => Date.parse(`${text}Z`);

  it("dumps both users as the published one did (v200)", async () => {
    const { meter, askText, clock } = meterBench(createVisomatCuff);
    const rows: readonly (readonly [1 | 2, string, number, number, number, number])[] = [
      [1, "2010-01-01T12:02", 1, 151, 102, 120],
      [1, "2010-01-01T12:08", 1, 156, 107, 116],
      [1, "2010-01-01T12:03", 0, 103, 65, 73],
      [1, "2044-06-01T13:20", 0, 113, 68, 66],
      [1, "2010-01-01T13:11", 0, 127, 84, 66],
      [1, "2010-01-01T12:03", 0, 106, 68, 66],
      [2, "2010-01-01T12:03", 1, 155, 111, 116],
      [2, "2010-01-01T12:02", 0, 117, 70, 76],
      [2, "2044-06-01T13:12", 0, 128, 71, 72],
      [2, "2044-06-01T13:17", 0, 126, 50, 65],
      [2, "2044-06-01T13:19", 0, 114, 63, 66],
      [2, "2010-01-01T14:00", 0, 114, 70, 71],
      [2, "2013-03-12T11:45", 0, 121, 80, 72],
    ];
    for (const [user, time, mark, systolic, diastolic, pulse] of rows) {
      meter.setClockError(seconds((at(time) - clock.now()) / 1000));
      meter.measure({ user, mark, systolic, diastolic, pulse });
    }
    expect(await askText("\x02R00\x03")).toEqual([`\x02${PUBLISHED_DUMP}\x03`]);
    expect(meter.measurements.every(({ delivery }) => delivery === "sent")).toBe(true);
  });

  it("has a dummy digit where a user has none, and answers nothing that is not documented", async () => {
    const { meter, askText } = meterBench(createVisomatCuff);
    meter.measure({ user: 2, systolic: 134, diastolic: 97, pulse: 83 });
    expect(await askText("\x02R00\x03")).toEqual(["\x02M1001M2012606151200" + "0134097083\x03"]);
    expect(await askText("\x02R02\x03R00\x03\x02R0000000000\x03")).toEqual([]);
  });
});

describe("Abbott Optium", () => {
  it("writes its clock as published (v188, v190), and dates in the two ways it has", () => {
    expect(optiumClockLine(Date.UTC(2014, 3, 22, 2, 14, 37))).toBe("Clock:\tApr  22 2014\t02:14:37");
    expect(optiumClockLine(Date.UTC(2013, 8, 29, 17, 35, 34))).toBe("Clock:\tSep  29 2013\t17:35:34");
    const june = Date.UTC(2026, 5, 15, 17, 9, 59);
    expect(optiumResult({ tag: "glucose", mgPerDl: 95 }, june)).toBe("095  June 15 2026 17:09 G 0x00");
    expect(optiumResult({ tag: "high" }, Date.UTC(2026, 4, 5))).toBe("HI   May  05 2026 00:00 G 0x00");
    expect(optiumResult({ tag: "ketone", raw: 3 }, june)).toBe("003  June 15 2026 17:09 K 0x00");
  });

  it("sums its memory up to the sum itself", () => {
    const text = asText(optiumMemory("XAKD267-A0245", Date.UTC(2026, 5, 15), []));
    expect(text).toMatch(/^\r\nXAKD267-A0245\r\n0\.22\r\nJune 15 2026 00:00:00\r\n000\r\n0x[0-9A-F]{4} {2}END\r\n$/);
    const [before = ""] = text.split("0x");
    const sum = [...before].reduce((total, letter) => total + letter.charCodeAt(0), 0);
    expect(text).toContain(`0x${sum.toString(16).toUpperCase().padStart(4, "0")}  END`);
  });

  it("answers its commands", async () => {
    const { meter, askText } = meterBench(createAbbottOptium);
    const record = meter.measure({ tag: "glucose", mgPerDl: 105 });
    meter.measure({ tag: "ketone", raw: 3 });
    const [about] = await askText("$colq\r\n");
    expect(about).toContain("S/N:\tXAKD267-A0245\r\n");
    expect(about).toContain("Clock:\tJun  15 2026\t12:00:00\r\n");
    expect(about).toMatch(/Usage:\t2\r\nCMD OK\r\n$/);
    const [dump] = await askText("$xmem\r\n");
    expect(dump).toContain("\r\n002\r\n003  June 15 2026 12:00 K 0x00\r\n105  June 15 2026 12:00 G 0x00\r\n0x");
    expect(record).toMatchObject({ delivery: "sent" });
    expect(await askText("$tim,06,15,26,11,30\r\n")).toEqual(["CMD OK\r\n"]);
    expect(meter.clockError).toBe(minutes(-30));
    expect(await askText("$what\r\nxmem\r\n")).toEqual([]);
  });

  it("may miss its first command", async () => {
    const { askText } = meterBench((options) => createAbbottOptium({ ...options, missesFirst: true }));
    expect(await askText("$xmem\r\n")).toEqual(["\r\n"]);
    expect((await askText("$xmem\r\n"))[0]).toContain("END");
  });
});

describe("Nonin data format 8", () => {
  it("splits the pulse over two octets, and says what it must", () => {
    expect(toHex(noninSecond({ pulse: 72, spo2: 97 }))).toBe("80486120");
    expect(toHex(noninSecond({ pulse: 300, spo2: 88, artifact: true, perfusion: "marginal" }))).toBe("8e2c5820");
    expect(toHex(noninSecond({ pulse: MISSING_PULSE, spo2: MISSING_SPO2, outOfTrack: true, lowBattery: true }))).toBe(
      "a37f7f01",
    );
    expect(toHex(noninSecond({ pulse: 72, spo2: 97, fingerRemoved: true, perfusion: "low" }))).toBe("90486108");
  });

  it("streams once a second, and holds the last value for ten seconds with the alarm", async () => {
    const clock = createSimulatedClock();
    const { line, sent } = fakeLine({ heard: true, disturbed: false });
    await using oximeter = createNoninSecondStream(() => line, clock);
    oximeter.clipOn({ spo2: 97, pulse: 72 });
    await clock.advance(seconds(5));
    oximeter.takeOff();
    await clock.advance(seconds(30));
    expect(sent).toEqual([
      ...Array(3).fill("837f7f00"),
      ...Array(3).fill("80486120"),
      ...Array(10).fill("80486108"),
      ...Array(2).fill("837f7f08"),
    ]);
    const [clip] = oximeter.clips;
    expect(clip?.ended).toBe(true);
    expect(clip?.packets.filter(({ valid }) => valid).map(({ index }) => index)).toEqual([4, 5, 6]);
    expect(clock.sleeping).toBe(0);
  });
});

describe("Contec CMS50", () => {
  it("writes the published samples (v151 to v162)", () => {
    const none = { pulse: 0, spo2: 0 };
    expect(toHex(liveSample(none))).toBe("8000000000");
    expect(toHex(liveSample({ ...none, droppingSpo2: true }))).toBe("a000000000");
    expect(toHex(liveSample({ ...none, searching: true }))).toBe("8000200000");
    expect(toHex(liveSample({ ...none, spo2: 98 }))).toBe("8000000062");
    expect(toHex(liveSample({ pulse: 200, spo2: 98, beep: true, bar: 7, signal: 5 }))).toBe("c500474862");
    expect(toHex(recordedSample({ pulse: 200, spo2: 0 }))).toBe("f1c800");
    // 3 x 30000 octets less one: 89999 = 5 x 16384 + 63 x 128 + 15.
    expect(toHex(recordedHeader(30_000))).toBe("f28000f28000f2800085bf0f");
  });

  const bench = () => {
    const clock = createSimulatedClock();
    const { line, sent } = fakeLine({ heard: true, disturbed: false });
    return { clock, sent, oximeter: createContecOximeter(() => line, clock, createChance(1)) };
  };

  it("streams sixty samples a second, and keeps one", async () => {
    const { clock, sent, oximeter } = bench();
    await using _ = oximeter;
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(seconds(3));
    expect(sent.length).toBeGreaterThanOrEqual(180);
    expect(sent.length).toBeLessThanOrEqual(181);
    expect(oximeter.memory.samples).toHaveLength(3);
    expect(sent.every((hex) => hex.length === 10)).toBe(true);
  });

  it("tells its memory when it is asked, without the stream in between, and goes on when it is told", async () => {
    const { clock, sent, oximeter } = bench();
    await using _ = oximeter;
    oximeter.record(Array.from({ length: 70 }, (_value, index) => ({ spo2: 90, pulse: 60 + index })));
    oximeter.clipOn({ spo2: 96, pulse: 70 });
    await clock.advance(seconds(0.1));
    sent.splice(0);
    oximeter.receive(fromHex("f5f5"));
    await clock.advance(seconds(1));
    const told = sent.splice(0).join("");
    expect(told.startsWith(`${toHex(recordedHeader(70))}f0bc5af0bd5a`)).toBe(true);
    expect(told.length / 2).toBe(12 + 70 * 3);
    expect(oximeter.memory.readOuts).toBe(1);
    oximeter.receive(fromHex("f6f6f6"));
    await clock.advance(seconds(0.1));
    expect(sent.length).toBeGreaterThan(0);
  });
});

describe("truth of meters", () => {
  it("speaks in words of the code table", () => {
    const used = [GLUCOSE_QUANTITY, "spo2", "pulse-rate.oximeter", "pulse-rate.cuff", "blood-pressure.systolic"];
    for (const quantity of used) expect(() => codeOf(quantity)).not.toThrow();
  });
});
