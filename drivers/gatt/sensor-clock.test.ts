import { describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryBleLink, type MemoryCharacteristic } from "../../hardware-sim/ports/memory-ble-link.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { channelId } from "../../protocol/ids.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import { epochMs, isoUtc, type Millis, minutes } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { decodeDateTime } from "../decode/clock.ts";
import type { DateTime } from "../decode/date-time.ts";
import { civilMs, dateTimeOf } from "../normalise/civil-time.ts";
import { readingTime } from "../normalise/time.ts";
import { pairFor } from "../normalise/timeline.ts";
import { createZones } from "../normalise/zone.ts";
import { type AlignedClock, alignClock, encodeClock } from "./sensor-clock.ts";

const hours = (count: number): Millis => minutes(60 * count);
const zone = createZones().zone("Europe/Stockholm");

/** The clocks of a sensor with the Current Time service, which shows `hex`; the hub's says 14:00 on Monday, 15 June 2026. */
const alignedWith = (hex: string, properties: MemoryCharacteristic["properties"] = ["read"]): Promise<AlignedClock> => {
  const clock = createSimulatedClock();
  const characteristics = [{ service: "1805", channel: "2a2b", properties, value: () => fromHex(hex) }];
  const link = createMemoryBleLink({ clock, characteristics });
  return alignClock(link, { time: clock, zone, logger: silentLogger }, new AbortController().signal);
};

it("keeps with the pair that the sensor's clock shows another weekday than that of its date", async () => {
  const { pairs } = await alignedWith("ea07060f0e0000030000");
  expect(pairs.before).toMatchObject({ device: "2026-06-15T14:00:00", hasWrongWeekday: true });
});

it.each([
  ["the weekday of its date", "ea07060f0e0000010000"],
  ["no weekday", "ea07060f0e0000000000"],
])("says nothing of a clock that shows %s", async (_what, hex) => {
  const { pairs } = await alignedWith(hex);
  expect(pairs.before).toMatchObject({ device: "2026-06-15T14:00:00" });
  expect(pairs.before).not.toHaveProperty("hasWrongWeekday");
});

it("has no pair of a clock whose date is not whole", async () => {
  expect((await alignedWith("000000000e0000000000")).pairs).toEqual({ before: null, after: null });
});

describe("a clock that the hub sets", () => {
  const HOUR = 3_600_000;
  const START = Date.UTC(2026, 5, 15, 12);

  /** A sensor that keeps summer time of Stockholm, `off` milliseconds wrong until it is set. */
  const createSensor = (clock: SimulatedClock, off: number) => {
    let offMs = off;
    const local = (): number => clock.now() + 2 * HOUR + offMs;
    const characteristic: MemoryCharacteristic = {
      service: "1810",
      channel: "2a08",
      properties: ["read", "write"],
      value: () => encodeClock(channelId("2a08"), dateTimeOf(local())),
      onWrite: (bytes) => {
        const set = decodeDateTime(bytes);
        if (set.tag === "ok") offMs += (civilMs(set.record) ?? 0) - local();
      },
    };
    return { characteristic, stamp: () => dateTimeOf(local()) };
  };

  const connect = async (
    clock: SimulatedClock,
    { characteristic }: { readonly characteristic: MemoryCharacteristic },
    memory: SensorMemory,
  ): Promise<AlignedClock> => {
    const link = createMemoryBleLink({ clock, characteristics: [characteristic] });
    return await alignClock(link, { time: clock, zone, logger: silentLogger, memory }, new AbortController().signal);
  };

  const timeOf = (clock: SimulatedClock, device: DateTime, { pairs }: AlignedClock) =>
    readingTime({
      device,
      offsetMin: null,
      weekday: null,
      durationMs: 0,
      receptionDelayMs: 60_000,
      at: clock.stamp(),
      pair: pairFor(device, pairs, clock.stamp().monoMs),
      zone,
    });

  it.each([-HOUR, HOUR])(
    "leaves right what the sensor stamped before (%i ms off) and sends at the next connection",
    async (off) => {
      const clock = createSimulatedClock({ startAt: epochMs(START) });
      const memory = createMemorySensorMemory();
      const sensor = createSensor(clock, off);
      const stored = sensor.stamp();
      await clock.advance(hours(3));
      const first = await connect(clock, sensor, memory);
      expect(first.pairs.after).not.toBeNull();
      // The connection breaks before the record is sent.
      await clock.advance(hours(5));
      const second = await connect(clock, sensor, memory);
      expect(second.pairs.after).toBeNull();
      const time = timeOf(clock, stored, second);
      expect(time).toMatchObject({ start: isoUtc(epochMs(START)), basis: "device-corrected", faults: [] });
      expect(time.uncertaintyMs).toBeLessThan(10_000);
      const fresh = timeOf(clock, sensor.stamp(), second);
      expect(fresh).toMatchObject({ start: isoUtc(epochMs(START + 8 * HOUR)), basis: "device-synced" });
      expect(fresh.uncertaintyMs).toBeLessThan(2000);
    },
  );

  it("makes the step uncertain for what fits both of its timelines", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(START) });
    const memory = createMemorySensorMemory();
    const sensor = createSensor(clock, HOUR);
    await connect(clock, sensor, memory);
    await clock.advance(minutes(20));
    const time = timeOf(clock, sensor.stamp(), await connect(clock, sensor, memory));
    expect(time.start).toBe(isoUtc(epochMs(START + 1_200_000)));
    expect(time.uncertaintyMs).toBeGreaterThanOrEqual(HOUR);
  });

  it("remembers the last eight timelines, and forgets what it cannot read", async () => {
    const clock = createSimulatedClock({ startAt: epochMs(START) });
    const memory = createMemorySensorMemory();
    for (let i = 0; i < 10; i++) await connect(clock, createSensor(clock, 60_000 * (i + 1)), memory);
    const { pairs } = await connect(clock, createSensor(clock, 0), memory);
    expect(pairs.before?.ended).toHaveLength(8);
    expect(memory.read("ended-clocks")?.length).toBeLessThan(1000);
    await memory.write("ended-clocks", "{");
    expect((await connect(clock, createSensor(clock, 0), memory)).pairs.before).not.toHaveProperty("ended");
  });
});
