import { describe, expect, it } from "vitest";
import { createHeartRateDriver } from "../../drivers/gatt/heart-rate.ts";
import type { HeartRateValues } from "../../hardware-sim/gatt/heart-rate.ts";
import { createHeartRateBelt, type HeartRateBelt } from "../../hardware-sim/gatt/heart-rate-belt.ts";
import { seconds } from "../../protocol/time.ts";
import { type AirBench, type AirBenchOptions, airBench } from "./air-bench.ts";

type Belt = HeartRateBelt & { wake(): void };

const bench = (more: AirBenchOptions = {}): AirBench<Belt> =>
  airBench(
    (parts) => {
      const belt = createHeartRateBelt(parts);
      return Object.assign(belt, { wake: belt.wear });
    },
    createHeartRateDriver(),
    more,
  );

const beat = async (one: AirBench<Belt>, count: number, values: HeartRateValues): Promise<void> => {
  for (let at = 0; at < count; at++) {
    one.sensor.measure(values);
    await one.pass(seconds(1));
  }
};

const worn = async (one: AirBench<Belt>): Promise<ReturnType<typeof one.begin>> => {
  const running = one.begin();
  await one.pass(seconds(3));
  return running;
};

const intervals = (one: AirBench<Belt>): readonly (number | null)[] =>
  one.sink.taken.flatMap(({ values }) => values.filter(({ mdc }) => mdc === 147240).map(({ value }) => value));

describe("heart rate belt", () => {
  it("gives a reading every ten seconds with every interval between beats in it", async () => {
    const one = bench();
    const { stop, ended } = await worn(one);
    await beat(one, 33, { rate: 60, contact: true, energyKj: 12, rr1024: [1024, 1000] });
    stop.abort();
    await one.pass(seconds(1));
    expect(await ended).toEqual({ readings: 4, reason: "aborted" });
    expect(one.sink.taken[1]).toMatchObject({
      kind: "heart-rate",
      values: [
        { name: "MDC_ECG_HEART_RATE", value: 60, decimals: 0, unit: "/min" },
        { name: "MDC_ECG_TIME_PD_RR_GL", value: 1000, decimals: 1, unit: "ms" },
        { value: 976.6, decimals: 1, unit: "ms" },
        ...Array.from({ length: 18 }, () => ({ unit: "ms" })),
      ],
      context: { bodyLocation: "chest", energyKJ: 12 },
      time: { basis: "reception" },
    });
    const { start, end } = one.sink.taken[1]?.time ?? {};
    expect(Date.parse(end ?? "") - Date.parse(start ?? "")).toBe(9000);
    expect(intervals(one)).toHaveLength(66);
  });

  it("keeps every interval, in as many readings as it takes, where there are more than one holds", async () => {
    const one = bench();
    const { stop } = await worn(one);
    await beat(one, 13, { rate: 180, rr1024: Array.from({ length: 9 }, (_, at) => 330 + at) });
    expect(intervals(one)).toHaveLength(117);
    expect(Math.max(...one.sink.taken.map(({ values }) => values.length))).toBe(64);
    expect(one.delivered()).toHaveLength(one.sink.taken.length);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("takes nothing without skin contact, nor a rate of zero", async () => {
    const one = bench();
    const { stop } = await worn(one);
    await beat(one, 20, { rate: 70, contact: false });
    await beat(one, 20, { rate: 0 });
    expect(one.sink.taken).toEqual([]);
    await beat(one, 3, { rate: 70, contact: true });
    expect(one.sink.taken).toHaveLength(1);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("starts with a rate that has settled", async () => {
    const one = bench();
    const { stop } = await worn(one);
    for (const rate of [30, 180, 90, 75, 74, 73]) await beat(one, 1, { rate });
    expect(one.sink.taken.map(({ values }) => values[0]?.value)).toEqual([73]);
    stop.abort();
    await one.pass(seconds(1));
  });

  it("has wide rates, and leaves out energy that is more than can be said", async () => {
    const one = bench();
    const { stop } = await worn(one);
    await beat(one, 3, { rate: 300, energyKj: 65_535 });
    expect(one.sink.taken[0]).toMatchObject({ values: [{ value: 300 }] });
    expect(one.sink.taken[0]?.context).toEqual({ bodyLocation: "chest" });
    stop.abort();
    await one.pass(seconds(1));
  });

  it("is heard for hours, and ends when it is taken off", async () => {
    const one = bench();
    const { ended } = await worn(one);
    await beat(one, 600, { rate: 66, rr1024: [930] });
    one.sensor.takeOff();
    await one.pass(seconds(10));
    expect(await ended).toMatchObject({ reason: "disconnected" });
    expect(one.delivered()).toHaveLength(60);
  });
});
