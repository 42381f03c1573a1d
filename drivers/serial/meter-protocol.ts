import type { DriverId } from "../../protocol/ids.ts";
import type { Arrival } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { Decoded, Framer } from "../driver.ts";
import type { Measurement } from "../normalise/reading.ts";
import type { MeterLine } from "./meter-line.ts";

/** One record of a meter's memory as it was told. */
export type Stored =
  | { readonly tag: "record"; readonly raw: Uint8Array; readonly at: Arrival }
  /** A record that did not come through: what follows is of use, but the memory was not read as a whole. */
  | { readonly tag: "lost" };

/** One memory of a meter. */
export interface StoredMemory {
  /** Tells the memories of one meter apart: the user, or empty. */
  readonly name: string;
  /** `unordered`: no document says which comes first, so all are read, and known ones are told by their content. */
  readonly order: "newest-first" | "oldest-first" | "unordered";
  /** Its records in that order. Whoever has enough stops; the meter is then left ready for the next question. */
  read(): AsyncIterable<Stored>;
}

/** A meter's clock, shown between two moments of the hub's. `second` null: it shows minutes. */
export interface ClockShown {
  readonly shown: DateTime;
  readonly asked: Arrival;
  readonly answered: Arrival;
}

export interface MeterClock {
  /** Null where the meter does not answer. */
  read(): Promise<ClockShown | null>;
  /** False where the meter did not say that it did. Null where the protocol has no such command. */
  readonly set: ((local: DateTime) => Promise<boolean>) | null;
  /** What it can be set to; with minutes it stands at their beginning. */
  readonly setsTo: "seconds" | "minutes";
}

/** A meter that answers. Its parts are used in this order: clock read, memories, clock set. */
export interface MeterVisit {
  /** The meter's own number; null where it tells none. */
  readonly serial: string | null;
  /** Null where the meter's clock cannot be asked. */
  readonly clock: MeterClock | null;
  /** Empty where nothing can have changed since the last visit. */
  readonly memories: readonly StoredMemory[];
}

export type VisitStart =
  | { readonly tag: "silent" }
  /** Something answers in this protocol, but is not what the driver reads. `found` says what, without identities. */
  | { readonly tag: "other-meter"; readonly found: string }
  | { readonly tag: "open"; readonly visit: MeterVisit };

/**
 * `call`: the meter announces itself, and is visited at once. `own`: the rest of an answer that came late. `foreign`:
 * no meter of this kind says so.
 */
export type Unasked = "call" | "own" | "foreign";

export const SILENT: VisitStart = { tag: "silent" };

/** How a protocol is talked over one connection. It keeps what it needs from one visit to the next. */
export interface MeterTalk {
  /**
   * See whether the meter is there, with one short exchange where the protocol has one. `isCalled`: the meter has just
   * announced itself.
   */
  visit(line: MeterLine, isCalled: boolean): Promise<VisitStart>;
}

/**
 * What one meter's protocol adds to the session that all of them share. It writes nothing that changes the meter but its
 * clock: no protocol here has a command that erases, deletes or configures.
 */
export interface MeterProtocol<R> {
  readonly id: DriverId;
  readonly version: string;
  /** Name of the format in provenance. */
  readonly source: string;
  /** Bytes in a row without anything readable after which the line is called wrong: more than one lost answer. */
  readonly unreadableAfter: number;
  readonly createFramer: () => Framer;
  readonly createTalk: () => MeterTalk;
  /** What a frame is that nobody asked for. */
  readonly recognise: (frame: Uint8Array) => Unasked;
  /** A stored record as it stands in provenance. */
  decode(raw: Uint8Array): Decoded<R>;
  /** The part of a raw record that is the same whenever it is read: without counters, positions and their checksums. */
  identityOf(raw: Uint8Array): Uint8Array;
  timeOf(record: R): DateTime | null;
  measure(record: R): Measurement;
}
