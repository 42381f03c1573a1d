import { channelId, driverId } from "../../protocol/ids.ts";
import { decodeHeartRate, type HeartRateRecord } from "../decode/heart-rate.ts";
import type { SensorDriver } from "../driver.ts";
import { type HeartRateWindow, heartRate } from "../normalise/heart-rate.ts";
import { createGattDriver } from "./gatt-driver.ts";
import { defineProfile } from "./plain-profile.ts";
import { noClock } from "./sensor-clock.ts";
import { createStreamIntake, type Judged } from "./stream-intake.ts";

export const HEART_RATE_VERSION = "1.0.0";

const LOCATION = channelId("2a38");
/** A heart at rest changes by less from one second to the next; a belt that finds its signal jumps by tens. */
const AGREE_WITHIN = [5];

const windowOf = (moments: readonly HeartRateRecord[], last: HeartRateRecord, durationMs: number): HeartRateWindow => ({
  ...last,
  rr1024: moments.flatMap(({ rr1024 }) => rr1024 ?? []),
  durationMs,
  location: null,
});

/** Belts that cannot tell contact send a rate of 0 where they find none. */
const judge = ({ heartRate: rate, contact }: HeartRateRecord): Judged =>
  contact === false || rate === 0 ? { tag: "invalid", isOff: contact === false } : { tag: "valid", vitals: [rate] };

/** Heart Rate service 180D: a stream of the rate with the intervals between beats (2A37), and where it is worn (2A38). */
const profile = defineProfile<HeartRateWindow>({
  id: driverId("gatt-heart-rate"),
  version: HEART_RATE_VERSION,
  stays: true,
  name: "heart rate measurement",
  measurements: [channelId("2a37")],
  statics: [LOCATION],
  alignClock: noClock,
  decode: (frame) => {
    const decoded = decodeHeartRate(frame);
    return decoded.tag === "ok" ? { tag: "ok", record: windowOf([decoded.record], decoded.record, 0) } : decoded;
  },
  createIntake: () =>
    createStreamIntake({ decode: decodeHeartRate, judge, agreeWithin: AGREE_WITHIN, join: windowOf, raw: "all" }),
  complete: (window, statics) => ({ ...window, location: statics.get(LOCATION)?.[0] ?? null }),
  timeOf: () => null,
  measure: heartRate,
});

export const createHeartRateDriver = (): SensorDriver<HeartRateWindow> => createGattDriver(profile);
