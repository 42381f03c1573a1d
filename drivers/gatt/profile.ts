import type { ChannelId, DriverId } from "../../protocol/ids.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { Decoded } from "../driver.ts";
import type { Measurement } from "../normalise/reading.ts";
import type { GattIntake } from "./intake.ts";
import type { AlignClock } from "./sensor-clock.ts";
import type { Statics } from "./statics.ts";

/** One stored record as the sensor numbers it. */
export interface RecordEntry {
  readonly sequence: number;
  /** Tells this record from another that has the same number after a reset: short, and without the values in the clear. */
  readonly mark: string;
}

/** How the memory of a sensor is read through the Record Access Control Point (2A52). */
export interface RecordAccessProfile<R> {
  /** Numbers that can be asked for; null where a sensor reports all of its memory or nothing (PLXS 1.0.1 section 3.4). */
  readonly entriesOf: ((record: R) => readonly RecordEntry[]) | null;
  /**
   * What the numbers count within, for example the session of a CGM: another run means that they began again. Null
   * where the memory must not be asked. `statics` are those of `alignClock`.
   */
  runOf(statics: Statics): string | null;
  /** The sensor has nothing to say but its memory: the session is over when that is read. */
  readonly endsSession: boolean;
}

/** What one GATT service adds to the session that all of them share. Everything in it is pure, but for the clock. */
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
  /** Reads and sets the sensor's clock. */
  readonly alignClock: AlignClock;
  /** Null where the sensor sends by itself what it has. */
  readonly access: RecordAccessProfile<R> | null;
  /** One value alone. `quirks` are those of the sensor's catalogue entry. */
  decode(frame: Uint8Array, channel: ChannelId, quirks: readonly string[]): Decoded<R>;
  /** Makes records of the values of one session. `statics` are those of `alignClock`. */
  createIntake(quirks: readonly string[], statics: Statics): GattIntake<R>;
  /** The record with what the statics say about it. */
  complete(record: R, statics: Statics): R;
  timeOf(record: R): DateTime | null;
  /** False where the sensor itself says that the stamp is not of the clock that the session reads. */
  isOnClock(record: R): boolean;
  measure(record: R): readonly Measurement[];
}
