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

/**
 * How far the time of measurement can be trusted, and where it came from. `stated`: a person said when; no clock of a
 * sensor was involved, and `deviceRaw` holds what was said.
 */
export type TimeBasis = "device-synced" | "device-corrected" | "reception" | "stated" | "unknown";

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

/** Sensor clock and monotonic clock read at the same moment, by a hub whose wall clock was not set. */
export interface OpenCoincident {
  readonly device: string;
  readonly hub: null;
  readonly monoMs: number;
  readonly uncertaintyMs: number;
  readonly ended?: readonly {
    readonly device: string;
    readonly utcMs: number;
    readonly uncertaintyMs: number | null;
  }[];
}

export interface ReadingTime {
  /** ISO 8601 UTC with milliseconds, or null where it is not known. */
  readonly start: string | null;
  readonly end: string | null;
  readonly uncertaintyMs: number | null;
  readonly basis: TimeBasis;
  /** The sensor's own time exactly as it said it, before any correction. */
  readonly deviceRaw: { readonly text: string; readonly offsetMin: number | null } | null;
  /** Of a measurement that took a while, where `start` and with it `end` is null. */
  readonly durationMs?: number;
  /**
   * Sensor clock and hub clock read at the same moment of the session. While the hub's clock is not set, `monoMs` of
   * the boot in `received` stands in for `hub`, so that whoever learns the time of that boot can tell when it was;
   * `ended` then says how the sensor's clock ran before a hub set it at earlier connections.
   */
  readonly coincident: { readonly device: string; readonly hub: string } | OpenCoincident | null;
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
  /** Characteristic (`2a35`), serial format (`nonin-13`), or who entered it by hand: `patient`, `technician`. */
  readonly source: string;
  /** The bytes that the values were decoded from, in lower-case hex; of a manual reading the words as they were typed. */
  readonly rawHex: string;
}

/**
 * One question that was put, by its `linkId` (FHIR QuestionnaireResponse.item.linkId), never by its place or its words.
 * `code`: one of the question's options. `mdc`: the answer is a measurement and stands in `values` under this code.
 * `absent`: put and not answered. A question that its condition left out is not listed. Never free text: it could carry
 * an identity.
 */
export type ReadingAnswer = { readonly linkId: string } & (
  | { readonly code: string }
  | { readonly integer: number }
  | { readonly boolean: boolean }
  | { readonly decimal: number; readonly decimals: number; readonly unit: string }
  | { readonly mdc: number }
  | { readonly absent: "asked-declined" }
);

/** A filled-in questionnaire. `digest` is of its definition: the same id and version with other words is seen. */
export interface ReadingQuestionnaire {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  /** Of the words that were shown (BCP 47), for example `sv`. */
  readonly language: string;
  /** In the order of the definition. */
  readonly answers: readonly ReadingAnswer[];
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
  /**
   * The reading that this one puts right. With `status: "entered-in-error"` it takes that one back and has no values; with
   * `final` its values stand instead. A correction is one of each, in either order of arrival.
   */
  readonly replaces: ReadingId | null;
  readonly values: readonly ReadingValue[];
  /** Of kind `questionnaire`, and only there. */
  readonly questionnaire?: ReadingQuestionnaire;
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
