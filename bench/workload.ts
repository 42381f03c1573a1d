import type { ReadingContext, SensorDriver } from "../drivers/driver.ts";
import { driverOf } from "../drivers/registry.ts";
import { assignmentId, type ChannelId, channelId, hubId } from "../protocol/ids.ts";
import { type Arrival, epochMs, millis } from "../protocol/time.ts";
import type { FrameSeries } from "./frames.ts";

/** One frame with what a session knows when it arrives. */
interface Arrived {
  readonly frame: Uint8Array;
  readonly context: ReadingContext;
}

/** Decoding and normalising, and parsing what comes of it, each over the same frames. */
export interface Workload {
  readonly name: string;
  /** Readings of one run of either. */
  readonly readings: number;
  /** Both return a sum over what they made, so that no optimiser can leave the making out. */
  normaliseAll(): number;
  parseAll(): number;
}

const DAY = 86_400_000;
const START = Date.UTC(2026, 5, 15, 8, 0, 0);

const arrivalAt = (utc: number): Arrival => ({
  utc: epochMs(utc),
  bootId: "5f0f8c6e-9a43-4b0d-8d7e-0a1f5f6b2c11",
  monoMs: millis(DAY + utc - START),
  hubClock: { state: "ntp", errorMs: 100 },
});

/** A session of one afternoon: its sensor is 41 s slow, so that every stamp is corrected. */
const contextOf = (series: FrameSeries, driver: SensorDriver<unknown>, raw: Uint8Array, index: number) => ({
  assignment: assignmentId("a-7f3c9b"),
  hub: { id: hubId("hub-0042"), version: "0.1.0" },
  device: {
    systemId: "0022afffe7123456",
    manufacturer: "A&D",
    model: "UA-651BLE",
    serial: "5131200456",
    firmware: "BLP001_d016 011",
    udi: null,
    catalogue: "and-ua-651ble@3",
    batteryPercent: 80,
  },
  address: series.transport === "ble" ? "c4:be:84:12:34:56" : "scale-bathroom",
  driver,
  transport: series.transport,
  source: series.channel,
  raw,
  at: arrivalAt(START + 5000 + index * 37),
  pair: { device: "2026-06-15T09:59:23", hub: arrivalAt(START + 4000), uncertaintyMs: 1045 },
  counter: index,
  zone: "Europe/Stockholm",
});

const decodeOne = (driver: SensorDriver<unknown>, { frame }: Pick<Arrived, "frame">, channel: ChannelId): unknown => {
  const decoded = driver.decode(frame, channel);
  if (decoded.tag === "malformed") throw new Error(`bench: ${driver.id}: ${decoded.detail}`);
  return decoded.record;
};

/** Null where this hub has no driver of that name. */
export const workloadOf = (series: FrameSeries, frames: number): Workload | null => {
  const driver = driverOf(series.driver);
  if (driver === undefined) return null;
  const channel = channelId(series.channel);
  const arrived: readonly Arrived[] = Array.from({ length: frames }, (_, index) => {
    const frame = series.frame(index);
    return { frame, context: contextOf(series, driver, frame, index) };
  });
  const texts = arrived.flatMap(({ frame, context }) =>
    driver.normalise(decodeOne(driver, { frame }, channel), context).map((reading) => JSON.stringify(reading)),
  );
  return {
    name: series.name,
    readings: texts.length,
    normaliseAll: () => {
      let seen = 0;
      for (const one of arrived) {
        for (const { id } of driver.normalise(decodeOne(driver, one, channel), one.context)) seen += id.length;
      }
      return seen;
    },
    parseAll: () => {
      let seen = 0;
      for (const text of texts) seen += (JSON.parse(text) as { readonly id: string }).id.length;
      return seen;
    },
  };
};
