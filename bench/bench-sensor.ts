import { driverOf } from "../drivers/registry.ts";
import { assignmentId, channelId, hubId, type SensorId } from "../protocol/ids.ts";
import type { DraftReading } from "../protocol/reading.ts";
import { type Arrival, epochMs, millis } from "../protocol/time.ts";

/** A blood-pressure monitor whose every measurement is another one, a second later. */
export interface BenchSensor {
  /** Octets of the next indication, decoded and normalised: what its session gives to the sink. */
  next(): readonly DraftReading[];
}

const START = Date.UTC(2026, 5, 15, 8, 0, 0);
/** Berlin is two hours ahead of UTC in June; the sensor keeps local time. */
const LOCAL_AHEAD = 7_200_000;
const DAY = 86_400_000;

/** Blood Pressure Measurement 0x2A35: mmHg, with time, pulse, user and status. */
const TEMPLATE = "1e7c0056006100ea07060f0a0f1b3300010400";

const frameOf = (second: number): Uint8Array => {
  const frame = Buffer.from(TEMPLATE, "hex");
  const local = new Date(START + LOCAL_AHEAD + second * 1000);
  frame.writeUInt16LE(100 + (second % 80), 1);
  frame.writeUInt16LE(60 + (second % 40), 3);
  frame.writeUInt16LE(75 + (second % 50), 5);
  frame.writeUInt16LE(local.getUTCFullYear(), 7);
  frame.set(
    [local.getUTCMonth() + 1, local.getUTCDate(), local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()],
    9,
  );
  frame.writeUInt16LE(50 + (second % 70), 14);
  return frame;
};

const arrivalAt = (second: number): Arrival => ({
  utc: epochMs(START + second * 1000 + 5000),
  bootId: "5f0f8c6e-9a43-4b0d-8d7e-0a1f5f6b2c11",
  monoMs: millis(DAY + second * 1000),
  hubClock: { state: "ntp", errorMs: 100 },
});

/** Its first measurement is that of second `first`. */
export const createBenchSensor = (hub: string, sensor: SensorId, first: number): BenchSensor => {
  const driver = driverOf("gatt-blood-pressure");
  if (driver === undefined) throw new Error("bench: no blood-pressure driver");
  const channel = channelId("2a35");
  const pair = { device: "2026-06-15T09:59:23", hub: arrivalAt(-1), uncertaintyMs: 1045 };
  const device = {
    systemId: "0022afffe7123456",
    manufacturer: "A&D",
    model: "UA-651BLE",
    serial: `51312-${sensor}`,
    firmware: "BLP001_d016 011",
    udi: null,
    catalogue: "and-ua-651ble@3",
    batteryPercent: 80,
  };
  let second = first;
  return {
    next: () => {
      second += 1;
      const raw = frameOf(second);
      const decoded = driver.decode(raw, channel);
      if (decoded.tag === "malformed") throw new Error(`bench: ${decoded.detail}`);
      return driver.normalise(decoded.record, {
        assignment: assignmentId("a-7f3c9b"),
        hub: { id: hubId(hub), version: "0.1.0" },
        device,
        address: sensor,
        driver,
        transport: "ble",
        source: channel,
        raw,
        at: arrivalAt(second),
        pair,
        counter: second,
        zone: "Europe/Berlin",
      });
    },
  };
};
