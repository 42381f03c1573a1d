import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { minutes } from "../../protocol/time.ts";
import { meterBench } from "./meter-bench.ts";
import type { SerialMeterOptions } from "./serial-meter.ts";
import { createTaidocReader, readTaidocTime, taidocAnswer, taidocCommand, taidocTime } from "./taidoc-frames.ts";
import { createTaidocMeter } from "./taidoc-meter.ts";

const meter = (model: string) => (options: SerialMeterOptions) => createTaidocMeter({ ...options, model });
const ask = (command: number, data: readonly number[] = []): string => toHex(taidocCommand(command, data));
const answer = (command: number, data: readonly number[] = []): string => toHex(taidocAnswer(command, data));
/** 2026-06-15: 26 << 9 | 6 << 5 | 15 = 0x34CF; then minute and hour. */
const NOON = [0xcf, 0x34, 0, 12] as const;

describe("TaiDoc frames", () => {
  it("are the published ones (v179), with A5 from the meter", () => {
    expect(ask(0x22)).toBe("512200000000a316");
    expect(answer(0x22)).toBe("512200000000a518");
  });

  it("pack the time as published (v182, v184)", () => {
    expect(toHex(Uint8Array.from(taidocTime(Date.UTC(2018, 0, 1, 21, 14))))).toBe("21240e15");
    expect(toHex(Uint8Array.from(taidocTime(Date.UTC(2019, 7, 4, 13, 37))))).toBe("0427250d");
    expect(readTaidocTime(fromHex("0427250d"))).toBe(Date.UTC(2019, 7, 4, 13, 37));
  });

  it("are found in pieces and after noise; the published wrong sum (v181) is dropped", () => {
    const frame = taidocCommand(0x2b);
    for (let cut = 0; cut <= frame.length; cut++) {
      const read = createTaidocReader();
      const found = [...read(fromHex("00515151")), ...read(frame.slice(0, cut)), ...read(frame.slice(cut))];
      expect([...found, ...read(new Uint8Array(8))].map(({ command }) => command)).toEqual([0x2b]);
    }
    const read = createTaidocReader();
    expect([...read(fromHex("512200000000a317")), ...read(frame)].map(({ command }) => command)).toEqual([0x2b]);
  });
});

describe("TaiDoc glucose meter", () => {
  it("tells count, times and values one by one, newest first, and keeps them", async () => {
    const bench = meterBench(meter("4277"));
    const first = bench.meter.measure({ tag: "glucose", test: { mgPerDl: 105, meal: "before" } });
    await bench.clock.advance(minutes(5));
    const second = bench.meter.measure({ tag: "glucose", test: { mgPerDl: 300, meal: "after" } });
    expect(await bench.ask(ask(0x2b))).toEqual([answer(0x2b, [2, 0, 2, 0])]);
    expect(await bench.ask(ask(0x25, [0, 0]))).toEqual([answer(0x25, [0xcf, 0x34, 5, 12])]);
    expect(await bench.ask(ask(0x26, [0, 0]))).toEqual([answer(0x26, [0x2c, 0x01, 0, 0x80])]);
    expect([first.delivery, second.delivery]).toEqual(["waiting", "sent"]);
    expect(await bench.ask(ask(0x25, [1, 0]))).toEqual([answer(0x25, NOON)]);
    expect(await bench.ask(ask(0x26, [1, 0]))).toEqual([answer(0x26, [105, 0, 0, 0x40])]);
    expect(first.delivery).toBe("sent");
    expect(first.sent).toEqual([answer(0x26, [105, 0, 0, 0x40])]);
    expect(await bench.ask(ask(0x26, [2, 0]))).toEqual([]);
  });

  it("counts control solution apart, and does not call it glucose", async () => {
    const bench = meterBench(meter("4277"));
    expect(await bench.ask(ask(0x2b))).toEqual([answer(0x2b, [0, 0, 0xff, 0xff])]);
    const control = bench.meter.measure({ tag: "glucose", test: { mgPerDl: 110, control: true } });
    expect(control.values).toEqual([]);
    expect(await bench.ask(ask(0x2b))).toEqual([answer(0x2b, [1, 0, 0, 0])]);
    expect(await bench.ask(ask(0x26))).toEqual([answer(0x26, [110, 0, 0, 0xc0])]);
  });

  it("tells who it is, and its clock, which can be set to the minute", async () => {
    const bench = meterBench(meter("4277"));
    expect(await bench.ask(ask(0x22))).toEqual([answer(0x22)]);
    expect(await bench.ask(ask(0x24))).toEqual([answer(0x24, [0x77, 0x42])]);
    expect(await bench.ask(ask(0x28))).toEqual([answer(0x28, [0x31, 0x21, 0x77, 0x42])]);
    expect(await bench.ask(ask(0x27))).toEqual([answer(0x27, [0x01, 0x00, 0x00, 0x50])]);
    expect(await bench.ask(ask(0x23))).toEqual([answer(0x23, NOON)]);
    expect(await bench.ask(ask(0x33, [0xcf, 0x34, 30, 11]))).toEqual([answer(0x33, [0xcf, 0x34, 30, 11])]);
    expect(bench.meter.clockError).toBe(minutes(-30));
    expect(await bench.ask(ask(0x99))).toEqual([]);
  });

  it("obeys 52, which erases everything and no hub may send, and writes it down", async () => {
    const bench = meterBench(meter("4277"));
    const record = bench.meter.measure({ tag: "glucose", test: { mgPerDl: 105 } });
    expect(await bench.ask(ask(0x52))).toEqual([answer(0x52)]);
    expect(bench.meter.violations).toEqual(["52"]);
    expect(record.delivery).toBe("unheard");
  });

  it("is silent when it was turned off, until its button is pressed", async () => {
    const bench = meterBench(meter("4277"));
    expect(await bench.ask(ask(0x50))).toEqual([answer(0x50)]);
    expect(await bench.ask(ask(0x22))).toEqual([]);
    bench.meter.announce();
    expect(await bench.settle()).toEqual([answer(0x54)]);
    expect(await bench.ask(ask(0x22))).toEqual([answer(0x22)]);
  });

  it("loses its oldest record when its memory is full", () => {
    const bench = meterBench((options) => createTaidocMeter({ ...options, model: "4277", memory: 2 }));
    const all = [101, 102, 103].map((mgPerDl) => bench.meter.measure({ tag: "glucose", test: { mgPerDl } }));
    expect(all.map(({ delivery }) => delivery)).toEqual(["unheard", "waiting", "waiting"]);
  });
});

describe("TaiDoc cuff and oximeter", () => {
  it("mark a pressure and its arrhythmia in the minute of its time", async () => {
    const bench = meterBench(meter("3128"));
    const pressure = { systolic: 260, diastolic: 86, pulse: 51, arrhythmia: true };
    const record = bench.meter.measure({ tag: "blood-pressure", pressure });
    expect(await bench.ask(ask(0x25))).toEqual([answer(0x25, [0xcf, 0x34, 0xc0, 12])]);
    expect(await bench.ask(ask(0x26))).toEqual([answer(0x26, [0x04, 0x01, 86, 51])]);
    expect(record.values.map(({ quantity, value }) => [quantity, value])).toEqual([
      ["blood-pressure.systolic", 260],
      ["blood-pressure.diastolic", 86],
      ["pulse-rate.cuff", 51],
    ]);
  });

  it("tell SpO2 live and from memory", async () => {
    const bench = meterBench(meter("8201"));
    expect(await bench.ask(ask(0x49))).toEqual([]);
    bench.meter.measure({ tag: "oximetry", oximetry: { spo2: 97, pulse: 61 } });
    expect(await bench.ask(ask(0x49))).toEqual([answer(0x49, [97, 0, 0, 61])]);
    expect(await bench.ask(ask(0x26))).toEqual([answer(0x26, [97, 0, 0, 61])]);
  });
});
