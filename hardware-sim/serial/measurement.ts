import type { Millis } from "../../protocol/time.ts";
import type { LineOutcome } from "./serial-line.ts";

/** A value that a sensor knows it measured, in the words of the code table (protocol/codes.json). */
export interface TrueValue {
  readonly quantity: string;
  readonly value: number;
  readonly decimals: number;
  readonly unit: string;
}

/**
 * How a measurement left the sensor.
 * - `waiting`: the sensor holds it until somebody listens (only sensors with a memory).
 * - `sent`: every byte went to a listening hub as it should.
 * - `early`: every byte went to a hub that had only just opened the port, which discards what is in it.
 * - `disturbed`: the line spoiled it; a hub need not be able to read it.
 * - `unheard`: nobody listened, and the sensor has no memory.
 */
export type Delivery = "waiting" | "sent" | "early" | "disturbed" | "unheard";

/** What became of a measurement that went over a line. */
export const deliveryOf = ({ heard, disturbed, early }: LineOutcome): Exclude<Delivery, "waiting"> => {
  if (!heard) return "unheard";
  if (disturbed) return "disturbed";
  return early ? "early" : "sent";
};

/** One measurement as the sensor knows it: the truth that an account is held against. */
export interface SerialMeasurement {
  /** 1, 2, 3 ... for each sensor. */
  readonly number: number;
  readonly values: readonly TrueValue[];
  /** What went over the line for it, in hex, undisturbed; more than one where the sensor sent it in several forms. */
  readonly sent: string[];
  readonly measuredAt: Millis;
  delivery: Delivery;
  /** When the last byte had been written; null while waiting or unheard. */
  lastByteAt: Millis | null;
}
