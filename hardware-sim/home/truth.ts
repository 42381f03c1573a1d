import type { Millis } from "../../protocol/time.ts";
import type { Delivery, TrueValue } from "../serial/measurement.ts";
import type { Clip } from "../serial/nonin-stream.ts";

/** Names a sensor as the hub's configuration does. */
export type SensorName = string;

/**
 * One measurement as its sensor knows it, whatever the sensor. The rules of who owes it to whom:
 *
 * - A sensor that `retains` (Bluetooth) measured it while due, keeps it until the hub has confirmed it, and offers it
 *   again: it is owed by the end of the run, whatever happened to the hub or the network meanwhile.
 * - A sensor with a memory but no acknowledgement (Nonin data format 13) owes nothing while `waiting`; once `sent`, it
 *   has forgotten it, and then the rule of the next line holds.
 * - A sensor that does not retain (a scale's line) gives it away once. It is owed if it was `sent` whole to a hub that
 *   was up from its first byte until it had time to store it. Else it counts as interrupted, not as lost: no hub
 *   could have had it (nobody listened, the hub was down, or it was just opening the port, which discards what is in
 *   it). What the line spoiled counts as disturbed.
 */
export interface Truth {
  readonly sensor: SensorName;
  /** 1, 2, 3 ... for each sensor. */
  readonly number: number;
  readonly values: readonly TrueValue[];
  /** What went out for it, in hex. */
  readonly raws: readonly string[];
  readonly measuredAt: Millis;
  /** When its last byte had left the sensor; null before that. */
  readonly lastByteAt: Millis | null;
  readonly delivery: Delivery;
  readonly retains: boolean;
}

/** What a streaming sensor knows: each packet that it sent, and which belong to one clip. See `windows.ts`. */
export interface StreamTruth {
  readonly sensor: SensorName;
  readonly clips: readonly Clip[];
}

/** A span in which the hub could not take anything: from its end until the next one was ready. `to` null: it lasts. */
export interface Outage {
  readonly from: Millis;
  readonly to: Millis | null;
}
