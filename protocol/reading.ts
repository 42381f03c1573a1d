import type { AssignmentId, HubId, Idem, ReadingId, Seq } from "./ids.ts";
import type { HubClockState } from "./time.ts";

/** Why a value is missing; maps to FHIR dataAbsentReason. */
export type AbsentReason = "not-a-number" | "positive-infinity" | "negative-infinity" | "error" | "unknown";

/**
 * One number with its IEEE 11073-10101 code and UCUM unit. `decimals` is the precision that the sensor sent
 * (2 and 2.0 differ). A special value of the sensor is `absent`, never a number.
 */
export type ReadingValue =
  | {
      readonly mdc: number;
      readonly name: string;
      readonly value: number;
      readonly decimals: number;
      readonly unit: string;
    }
  | { readonly mdc: number; readonly name: string; readonly value: null; readonly absent: AbsentReason };

export type ReadingKind =
  | "blood-pressure"
  | "body-weight"
  | "body-composition"
  | "body-temperature"
  | "pulse-oximetry"
  | "glucose"
  | "continuous-glucose"
  | "heart-rate"
  | "spirometry"
  | "questionnaire";

/** How far the time of measurement can be trusted, and where it came from. */
export type TimeBasis = "device-synced" | "device-corrected" | "reception" | "unknown";

export type TimeFault =
  | "future"
  | "factory-date"
  | "before-manufacture"
  | "weekday-mismatch"
  | "dst-fold"
  | "timeline-unknown"
  | "incomplete-date";

export type Quality =
  | "questionable"
  | "stored"
  | "implausible"
  | "unconfirmed"
  | "test-data"
  | "calibrating"
  | "manual";

export interface ReadingTime {
  /** ISO 8601 UTC with milliseconds, or null where it is not known. */
  readonly start: string | null;
  readonly end: string | null;
  readonly uncertaintyMs: number | null;
  readonly basis: TimeBasis;
  /** The sensor's own time exactly as it said it, before any correction. */
  readonly deviceRaw: { readonly text: string; readonly offsetMin: number | null } | null;
  /** Sensor clock and hub clock read at the same moment of the session. */
  readonly coincident: { readonly device: string; readonly hub: string } | null;
  readonly received: { readonly utc: string | null; readonly bootId: string; readonly monoMs: number };
  readonly hubClock: { readonly state: HubClockState; readonly errorMs: number | null };
  readonly faults: readonly TimeFault[];
}

export interface ReadingDevice {
  /** EUI-64 as 16 lower-case hex digits, or null where the sensor has none. */
  readonly systemId: string | null;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly firmware: string | null;
  readonly udi: string | null;
  /** `entry@version` of the certified catalogue. */
  readonly catalogue: string;
  readonly batteryPercent: number | null;
}

export interface ReadingProvenance {
  readonly hubId: HubId;
  readonly hubVersion: string;
  /** `driver@version`. */
  readonly driver: string;
  readonly transport: "ble" | "serial" | "manual";
  /** Characteristic (`2a35`) or serial format (`nonin-13`). */
  readonly source: string;
  /** The bytes that the values were decoded from, in lower-case hex. */
  readonly rawHex: string;
}

/**
 * Reading, version 1: one physical measurement, as protocol/schema/reading-1.schema.json describes it, before the
 * outbox numbered it.
 */
export interface DraftReading {
  readonly schema: "reading/1";
  readonly id: ReadingId;
  readonly idem: Idem;
  readonly kind: ReadingKind;
  readonly assignment: AssignmentId;
  readonly status: "final" | "preliminary" | "entered-in-error" | "not-performed";
  readonly replaces: ReadingId | null;
  readonly values: readonly ReadingValue[];
  /** Supplemental codes (IEEE 11073-10101), for example the modality of an oximeter. */
  readonly supplemental: readonly number[];
  /** Codes and small numbers around the measurement: meal, location, userSlot, status. */
  readonly context: Readonly<Record<string, number | string | boolean>>;
  /** What the sensor said about the measurement: `irregular-pulse`, `body-movement` ... */
  readonly flags: readonly string[];
  readonly quality: readonly Quality[];
  readonly time: ReadingTime;
  readonly device: ReadingDevice;
  readonly provenance: ReadingProvenance;
}

/** A reading that the outbox has committed under its sequence number. */
export interface Reading extends DraftReading {
  readonly seq: Seq;
}
