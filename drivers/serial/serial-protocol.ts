import type { DriverId } from "../../protocol/ids.ts";
import type { Arrival, Millis } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { Decoded, Framed, Framer, MalformedReason } from "../driver.ts";
import type { Measurement } from "../normalise/reading.ts";

/** What a protocol makes of one piece of the line. */
export type Intake<R> =
  /** Well formed, and nothing to take: part of a packet, a line that is no measurement, a repetition. */
  | { readonly tag: "understood" }
  /** Says nothing, not even that the line works: discarded bytes, a lone octet. */
  | { readonly tag: "ignored" }
  | { readonly tag: "reading"; readonly record: R; readonly raw: Uint8Array }
  | { readonly tag: "clock"; readonly time: DateTime }
  | {
      readonly tag: "malformed";
      readonly reason: MalformedReason;
      readonly detail: string;
      readonly raw: Uint8Array;
    };

export const UNDERSTOOD = { tag: "understood" } as const;
export const IGNORED = { tag: "ignored" } as const;

/** Decides what is a reading. Holds what it needs of the past of one connection; no clock but the arrivals'. */
export interface SerialIntake<R> {
  push(framed: Framed, at: Arrival): Intake<R>;
}

/** A sensor's clock that is read and set over the line. */
export interface SerialClock {
  readonly ask: Uint8Array;
  set(local: DateTime): Uint8Array;
}

/** What one serial format adds to the session that all of them share. */
export interface SerialProtocol<R> {
  readonly id: DriverId;
  readonly version: string;
  /** Name of the format in provenance, for example `nonin-13`. */
  readonly source: string;
  /** Bytes in a row without anything readable after which the line is called wrong: more than one lost message. */
  readonly unreadableAfter: number;
  /** Sent to the sensor when a reading is durable; null where the format has no acknowledgement. */
  readonly acknowledgement: Uint8Array | null;
  /** Null where the sensor has no clock that the hub can ask. */
  readonly clock: SerialClock | null;
  /** As SensorDriver has it. */
  readonly lull?: Millis;
  decode(frame: Uint8Array): Decoded<R>;
  createFramer(): Framer;
  createIntake(): SerialIntake<R>;
  timeOf(record: R): DateTime | null;
  measure(record: R): Measurement;
}
