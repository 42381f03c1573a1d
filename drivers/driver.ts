import type { AssignmentId, CatalogueId, ChannelId, DriverId, HubId, SensorId } from "../protocol/ids.ts";
import type { EventCode } from "../protocol/messages.ts";
import type { Clock, HubTime } from "../protocol/ports/clock.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import type { UnreadableCapture } from "../protocol/ports/outbox.ts";
import type { SensorMemory } from "../protocol/ports/sensor-memory.ts";
import type { Transport } from "../protocol/ports/transport.ts";
import type { DraftReading, ReadingDevice } from "../protocol/reading.ts";
import type { Arrival, Millis } from "../protocol/time.ts";

/** Why bytes are not a record. `reason` words are those of `hemhub decode` and the published vectors. */
export type MalformedReason =
  | "truncated"
  | "checksum"
  | "crc"
  | "format"
  | "range"
  | "sync"
  | "overlong"
  | "unsupported";

/** Bad data is a value: decoding never throws. */
export type Decoded<R> =
  | { readonly tag: "ok"; readonly record: R }
  | { readonly tag: "malformed"; readonly reason: MalformedReason; readonly detail: string };

export const decoded = <R>(record: R): Decoded<R> => ({ tag: "ok", record });
export const malformed = (reason: MalformedReason, detail: string): Decoded<never> => ({
  tag: "malformed",
  reason,
  detail,
});

/** What a framer makes of a byte stream. Every byte pushed comes out once, in a frame or discarded with the reason. */
export type Framed =
  | { readonly tag: "frame"; readonly bytes: Uint8Array }
  | { readonly tag: "discarded"; readonly bytes: Uint8Array; readonly reason: "noise" | "checksum" | "overlong" };

/** Cuts a byte stream into frames. Holds at most its documented bound; resynchronises within one frame of noise. */
export interface Framer {
  push(bytes: Uint8Array): Iterable<Framed>;
}

/** Sensor clock and hub clock read at the same moment (design protocol.md, time 1). */
export interface ClockPair {
  /** Local date and time of the sensor, `YYYY-MM-DDTHH:mm:ss`, without zone. */
  readonly device: string;
  readonly hub: Arrival;
  /** Half the round trip of the read plus the sensor clock's resolution. */
  readonly uncertaintyMs: number;
  /** The clock showed a weekday that is not that of its date (Current Time, 0x2A2B): one of them was set wrongly. */
  readonly hasWrongWeekday?: boolean;
  /** How the clock ran before the hub set it, at this and at earlier connections; the oldest first. */
  readonly ended?: readonly EndedTimeline[];
}

/**
 * A timeline of a sensor's clock that ended because the hub set it. The sensor may still hold records that it stamped
 * on it: a connection can break after the clock was set and before they were sent.
 */
export interface EndedTimeline {
  /** What the clock showed at the end, `YYYY-MM-DDTHH:mm:ss`, and when that was. */
  readonly device: string;
  readonly utcMs: number;
  /** Of the two together; null where the hub did not know its own error. */
  readonly uncertaintyMs: number | null;
}

/** All that normalising needs besides the record. Normalising is pure. */
export interface ReadingContext {
  readonly assignment: AssignmentId;
  readonly hub: { readonly id: HubId; readonly version: string };
  readonly device: ReadingDevice;
  /** Enrolled identity, part of idem: the identity address of a BLE sensor, the sensor id of a serial one. */
  readonly address: string;
  readonly driver: { readonly id: DriverId; readonly version: string };
  readonly transport: "ble" | "serial";
  /** Characteristic or serial format, for example `2a35`, `nonin-13`. */
  readonly source: string;
  readonly raw: Uint8Array;
  readonly at: Arrival;
  readonly pair: ClockPair | null;
  /** From Outbox.nextCounter; used in idem only where the record has no time of its own. */
  readonly counter: number;
  /** IANA zone of the home, in which sensors keep local time, for example `Europe/Stockholm`. */
  readonly zone: string;
}

/** Where a session puts what it learned. Implemented by gateway ingest. */
export interface ReadingSink {
  /** Resolves when the readings are durable (stored or known duplicates). The session confirms to the sensor after. */
  take(readings: readonly DraftReading[]): Promise<void>;
  /** Keep bytes that no decoder understands. Durable when it resolves. */
  keepUnreadable(capture: UnreadableCapture): Promise<void>;
  /** A number for idem of a record without a time of its own; durable, never given twice. */
  nextCounter(): Promise<number>;
  /** Something the technician and the region should know. `detail` carries no value and no identity. */
  report(code: EventCode, message: string, detail: Readonly<Record<string, string | number | boolean | null>>): void;
}

/** A sensor enrolled in this home: its catalogue entry, its identity and whom its readings belong to. */
export interface EnrolledSensor {
  readonly id: SensorId;
  readonly assignment: AssignmentId;
  readonly catalogue: { readonly id: CatalogueId; readonly version: string };
  readonly manufacturer: string;
  readonly model: string;
  readonly udi: string | null;
  readonly quirks: readonly string[];
}

/** Surroundings of one session with one sensor. */
export interface SessionContext {
  readonly sensor: EnrolledSensor;
  readonly hub: { readonly id: HubId; readonly version: string };
  readonly zone: string;
  readonly clock: Clock;
  readonly time: HubTime;
  readonly logger: Logger;
  readonly memory: SensorMemory;
}

/** How a session ended. `readings` counts what was made durable. */
export interface SessionEnd {
  readonly readings: number;
  readonly reason: "complete" | "disconnected" | "deadline" | "aborted";
}

/**
 * One sensor protocol. `decode` and `normalise` are pure; `session` is the shell that runs them over a transport of
 * the kind that the catalogue entry names, until the measurement is over, the connection is lost or `signal` aborts.
 * Rejects with HubError only for failures of the session itself; bad data goes to the sink.
 */
export interface SensorDriver<R> {
  readonly id: DriverId;
  readonly version: string;
  readonly transport: "ble" | "serial";
  /** True for a stream: its session stays connected, without a deadline, and is begun again when it ends. */
  readonly stays: boolean;
  /**
   * A measurement over a session that stays has ended when nothing came for so long; left out: half a minute. Null: the
   * sensor keeps what it measured and is asked for it, so that a session may be broken off at any time.
   */
  readonly lull?: Millis | null;
  decode(frame: Uint8Array, channel: ChannelId): Decoded<R>;
  normalise(record: R, context: ReadingContext): readonly DraftReading[];
  session(transport: Transport, sink: ReadingSink, context: SessionContext, signal: AbortSignal): Promise<SessionEnd>;
}
