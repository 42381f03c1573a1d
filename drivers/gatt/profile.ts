import type { ChannelId, DriverId } from "../../protocol/ids.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { Decoded } from "../driver.ts";
import type { Measurement } from "../normalise/reading.ts";

/** What is read once a session because it belongs to every measurement of it, by characteristic. */
export type Statics = ReadonlyMap<ChannelId, Uint8Array>;

/** What one GATT service adds to the session that all of them share. Everything in it is pure. */
export interface GattProfile<R> {
  readonly id: DriverId;
  readonly version: string;
  /** A stream, see SensorDriver. */
  readonly stays: boolean;
  /** What people call the service in messages. */
  readonly name: string;
  /** Characteristics whose values are measurements. A sensor has at least one of them; each that it has is subscribed. */
  readonly measurements: readonly ChannelId[];
  /** Characteristics that are read once before the first reading, where the sensor has them. */
  readonly statics: readonly ChannelId[];
  /** `quirks` are those of the sensor's catalogue entry. */
  decode(frame: Uint8Array, channel: ChannelId, quirks: readonly string[]): Decoded<R>;
  /** The record with what the statics say about it. */
  complete(record: R, statics: Statics): R;
  timeOf(record: R): DateTime | null;
  measure(record: R): Measurement;
}
