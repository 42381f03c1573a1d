import { describe, expect, it } from "vitest";
import type { NoninDf2Packet } from "../decode/nonin-df2.ts";
import { nextWindow, PACKETS_PER_READING, STREAM_START } from "./stream-window.ts";

const packet = (given: Partial<NoninDf2Packet> = {}): NoninDf2Packet => ({
  pulse: 72,
  spo2: 97,
  srev: 48,
  timer: 0,
  stat2: 0,
  smartPoint: false,
  lowBattery: false,
  spo2D: 97,
  spo2Fast: 97,
  spo2BB: 97,
  ePulse: 72,
  eSpo2: 97,
  eSpo2D: 97,
  pulseD: 72,
  ePulseD: 72,
  artifact: false,
  outOfTrack: false,
  sensorAlarm: false,
  perfusion: "green",
  ...given,
});

const MISSING: Partial<NoninDf2Packet> = { eSpo2: null, ePulse: null };

/** Positions, from 1, of the packets that are readings. */
const readingsOf = (packets: readonly Partial<NoninDf2Packet>[]): readonly number[] => {
  let window = STREAM_START;
  const taken: number[] = [];
  packets.forEach((given, index) => {
    const next = nextWindow(window, packet(given));
    window = next.window;
    if (next.take) taken.push(index + 1);
  });
  return taken;
};

const times = (count: number, given: Partial<NoninDf2Packet> = {}): Partial<NoninDf2Packet>[] =>
  Array.from({ length: count }, () => given);

describe("window of an oximeter stream", () => {
  it("gives the first reading as soon as three packets agree, then one every thirty", () => {
    expect(readingsOf(times(100))).toEqual([3, 33, 63, 93]);
    expect(PACKETS_PER_READING).toBe(30);
  });

  it("waits while the values still run", () => {
    const running = [80, 84, 88, 92, 95, 96, 97].map((eSpo2) => ({ eSpo2 }));
    expect(readingsOf(running)).toEqual([7]);
  });

  it("waits while the sensor searches", () => {
    expect(readingsOf([...times(9, MISSING), ...times(3)])).toEqual([12]);
  });

  it.each<[string, Partial<NoninDf2Packet>]>([
    ["missing saturation", { eSpo2: null }],
    ["missing pulse", { ePulse: null }],
    ["out of track", { outOfTrack: true }],
  ])("starts afresh after a second of %s", (_name, given) => {
    expect(readingsOf([...times(10), ...times(3, given), ...times(3)])).toEqual([3, 16]);
  });

  it("starts afresh at once when the finger is out", () => {
    expect(readingsOf([...times(10), { sensorAlarm: true }, ...times(3)])).toEqual([3, 14]);
  });

  it("counts again, without a new first reading, after a short artifact", () => {
    expect(readingsOf([...times(20), ...times(2, MISSING), ...times(40)])).toEqual([3, 52]);
  });

  it("takes one reading in two seconds at most from a sensor that drops out all the time", () => {
    const flapping = Array.from({ length: 50 }, () => [...times(3), ...times(3, MISSING)]).flat();
    expect(readingsOf(flapping)).toHaveLength(50);
    const worse = Array.from({ length: 50 }, () => [...times(2), ...times(2, MISSING)]).flat();
    expect(readingsOf(worse)).toEqual([]);
  });
});
