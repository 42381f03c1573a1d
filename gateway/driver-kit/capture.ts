import type { ChannelId } from "../../protocol/ids.ts";
import type { GattCharacteristic } from "../../protocol/ports/transport.ts";
import type { AbsentReason } from "../../protocol/reading.ts";
import type { EpochMs, HubClockState, Millis } from "../../protocol/time.ts";
import type { BytePattern } from "./byte-pattern.ts";

/** A characteristic of the captured sensor. `value` answers reads that the session does not list; null refuses them. */
export interface CaptureAttribute extends GattCharacteristic {
  readonly value: Uint8Array | null;
}

/** How an operation of the hub was answered. `bytes` are a read's answer; `refused` is the ATT error code. */
export type CaptureAnswer = { readonly bytes: Uint8Array } | { readonly refused: number };

/**
 * One thing that happened. `at` counts from the session's start and never decreases; `line` is where it stands in the
 * file. From the sensor: `received` (serial bytes, or a notified or indicated value) and `disconnect`. By the hub: `read`,
 * `write` and `subscribe`; a serial write is a `write` on channel `serial`. `stop`: the hub ended the session here.
 */
export type CaptureEvent = { readonly at: Millis; readonly line: number } & (
  | { readonly tag: "received"; readonly channel: ChannelId; readonly bytes: Uint8Array }
  | { readonly tag: "disconnect" }
  | { readonly tag: "stop" }
  | { readonly tag: "read"; readonly channel: ChannelId; readonly took: Millis; readonly answer: CaptureAnswer }
  | {
      readonly tag: "write";
      readonly channel: ChannelId;
      readonly took: Millis;
      readonly bytes: BytePattern;
      readonly refused: number | null;
    }
  | { readonly tag: "subscribe"; readonly channel: ChannelId; readonly took: Millis; readonly refused: number | null }
);

export interface ExpectedValue {
  readonly mdc: number;
  /** Absent: any number with this code will do. */
  readonly value?: number;
  readonly decimals?: number;
  readonly unit?: string;
  readonly absent?: AbsentReason;
}

/** What the author pinned of one reading. A field that is not there is not compared. */
export interface ExpectedReading {
  readonly line: number;
  readonly kind?: string;
  readonly status?: string;
  /** Where given: all of them, in any order. A number more is an invented one. */
  readonly values?: readonly ExpectedValue[];
  readonly supplemental?: readonly number[];
  readonly flags?: readonly string[];
  readonly quality?: readonly string[];
  /** Keys that are not listed are not compared. */
  readonly context?: Readonly<Record<string, string | number | boolean>>;
  readonly time?: {
    readonly start?: string | null;
    readonly end?: string | null;
    /** How far `start` and `end` may be off: in a recording the hub's own work took its time. Default 0. */
    readonly withinMs?: number;
    readonly basis?: string;
    /** The sensor's own time as it said it. */
    readonly device?: string | null;
    readonly faults?: readonly string[];
  };
  readonly device?: Readonly<Record<string, string | number | null>>;
  readonly source?: string;
}

export interface Expected {
  readonly line: number;
  readonly readings: readonly ExpectedReading[];
  /** Not given: nothing may be unreadable. */
  readonly unreadable: readonly { readonly line: number; readonly channel?: string; readonly reason: string }[];
  readonly reports: readonly string[] | null;
  readonly memory: Readonly<Record<string, string>> | null;
  readonly end: string | null;
}

/** One session with a sensor, and what a driver must make of it. */
export interface Capture {
  /** As it was named on the command line; differences begin with it. */
  readonly file: string;
  readonly about: string;
  readonly source: string;
  /** A model of the catalogue, or a driver with quirks for a model that has no entry yet. */
  readonly sensor:
    | { readonly tag: "model"; readonly model: string; readonly line: number }
    | { readonly tag: "driver"; readonly driver: string; readonly quirks: readonly string[]; readonly line: number };
  readonly zone: string;
  readonly hub: { readonly clock: EpochMs; readonly state: HubClockState };
  readonly memory: Readonly<Record<string, string>>;
  /** `checksum`: every message carries a check, so that no damaged one may become a reading. */
  readonly integrity: "checksum" | "none";
  /** Empty for a serial sensor. */
  readonly link: readonly CaptureAttribute[];
  readonly session: readonly CaptureEvent[];
  readonly expect: Expected;
}
