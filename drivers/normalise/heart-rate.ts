import { codeOf } from "../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../protocol/reading.ts";
import { decimal } from "../decode/float.ts";
import type { HeartRateRecord } from "../decode/heart-rate.ts";
import { measured, wholeOf } from "./number.ts";
import type { Measurement } from "./reading.ts";

const RATE = codeOf("heart-rate");
const INTERVAL = codeOf("rr-interval");

/** What a belt said in one window: its last rate, and the intervals between all beats, oldest first. */
export interface HeartRateWindow extends Omit<HeartRateRecord, "rr1024"> {
  readonly rr1024: readonly number[];
  readonly durationMs: number;
  /** Body Sensor Location (0x2A38), null where it was not read. */
  readonly location: number | null;
}

/** Body Sensor Location, from 0 (HRS 1.0 section 3.2). */
const LOCATIONS = ["other", "chest", "wrist", "finger", "hand", "ear-lobe", "foot"] as const;

/** "More than can be said" (HRS 1.0 section 3.1.1.3). */
const ENERGY_OVERRUN = 0xffff;
/** A reading has at most 64 values, and the first is the rate. */
const MAX_INTERVALS = 63;

/** 1/1024 s in milliseconds, to a tenth: the tenth below the resolution of 0.98 ms adds no error of its own. */
const intervalOf = (raw: number): ReadingValue =>
  measured(INTERVAL, decimal(Math.round((raw * 10_000) / 1024), 1), "ms");

/**
 * A window of a heart rate belt. Its time is that of reception; the window ends there. More intervals than a reading
 * holds go into further ones with the same rate, so that none is lost.
 */
export const heartRate = (window: HeartRateWindow): readonly Measurement[] => {
  const { rr1024, energyKJ, location } = window;
  const quality: Quality[] = [];
  if (window.reservedFlags !== 0 || window.trailing > 0) quality.push("questionable");
  const place = location === null ? undefined : LOCATIONS[location];
  const measurements: Measurement[] = [];
  for (let from = 0; from === 0 || from < rr1024.length; from += MAX_INTERVALS) {
    measurements.push({
      kind: "heart-rate",
      status: "final",
      values: [
        wholeOf(RATE, window.heartRate, "/min", "unknown"),
        ...rr1024.slice(from, from + MAX_INTERVALS).map(intervalOf),
      ],
      supplemental: [],
      context: {
        ...(place === undefined ? {} : { bodyLocation: place }),
        ...(energyKJ === null || energyKJ === ENERGY_OVERRUN ? {} : { energyKJ }),
      },
      flags: [],
      quality,
      time: null,
      durationMs: window.durationMs,
    });
  }
  return measurements;
};
