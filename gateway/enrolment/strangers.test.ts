import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { catalogueId, sensorId } from "../../protocol/ids.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createRecordingSink } from "../../tests/serial/recording-sink.ts";
import type { SetAside } from "../config/enrol.ts";
import { createStrangers, MOST_STRANGERS } from "./strangers.ts";

const withdrawn: SetAside = {
  config: {
    id: sensorId("cuff"),
    model: catalogueId("old-cuff"),
    assignment: null,
    serialNumber: null,
    userSlot: null,
    transport: "ble",
    address: "c0:26:da:00:00:01",
  },
  sentence: "sensor cuff: model old-cuff was withdrawn",
};

const setUp = () => {
  const clock = createSimulatedClock();
  const inner = createRecordingSink();
  const strangers = createStrangers(clock, [withdrawn]);
  const sink = strangers.sinkOf(inner);
  const hear = (address: string): void =>
    sink.report("unknown-sensor", "a sensor nearby is not enrolled", { address, service: "1810", rssi: -70 });
  return { clock, inner, strangers, sink, hear };
};

it("lists who is nearby and not enrolled, the last heard first, with the reason and the next step", async () => {
  const { clock, inner, strangers, hear } = setUp();
  hear("00:00:00:00:00:01");
  await clock.advance(seconds(5));
  hear("00:00:00:00:00:02");
  hear("00:00:00:00:00:01");
  expect(strangers.list()).toEqual([
    {
      what: "Bluetooth 00:00:00:00:00:01",
      reason: "offers medical service 1810, not enrolled",
      next: expect.stringMatching(/^enrol it/),
      seenAt: 5000,
    },
    expect.objectContaining({ what: "Bluetooth 00:00:00:00:00:02", seenAt: 5000 }),
  ]);
  expect(inner.reports).toHaveLength(3);
});

it("forgets who was not heard for a day, and never holds more than a technician looks at", async () => {
  const { clock, strangers, hear } = setUp();
  for (let i = 0; i < 1000; i++) hear(`00:00:00:00:00:${String(i)}`);
  expect(strangers.list()).toHaveLength(MOST_STRANGERS);
  expect(strangers.list()[0]?.what).toBe("Bluetooth 00:00:00:00:00:999");
  await clock.advance(minutes(24 * 60));
  expect(strangers.list()).toEqual([]);
});

it("does not call a sensor unknown that was set aside: that has its own reason", () => {
  const { inner, strangers, hear } = setUp();
  hear("C0:26:DA:00:00:01");
  expect([strangers.list(), inner.reports]).toEqual([[], []]);
});

it("hands everything else on", async () => {
  const { inner, sink, strangers } = setUp();
  sink.report("adapter-fault", "the adapter is gone", { kind: "adapter-absent" });
  sink.report("unknown-sensor", "model mood-ring is not in the catalogue", { sensor: "ring" });
  expect(inner.reports.map(({ code }) => code)).toEqual(["adapter-fault", "unknown-sensor"]);
  expect(await sink.nextCounter()).toBe(1);
  expect(strangers.list()).toEqual([]);
});
