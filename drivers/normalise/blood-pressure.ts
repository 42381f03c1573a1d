import { codeOf } from "../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../protocol/reading.ts";
import { type BloodPressureRecord, type BloodPressureStatus, isImplausiblePulse } from "../decode/blood-pressure.ts";
import type { MedicalFloat } from "../decode/float.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const SYSTOLIC = codeOf("blood-pressure.systolic");
const DIASTOLIC = codeOf("blood-pressure.diastolic");
const MEAN = codeOf("blood-pressure.mean");
const PULSE = codeOf("pulse-rate.cuff");

/** "Unknown user" (BLS 1.1.1 section 3.1.1.5). */
export const UNKNOWN_USER = 255;

/** Measurement status as words, in the order of its bits (BLS 1.1.1 section 3.1.1.6). */
const flagsOf = (status: BloodPressureStatus): string[] => {
  const flags: string[] = [];
  if (status.bodyMovement) flags.push("body-movement");
  if (status.cuffTooLoose) flags.push("cuff-loose");
  if (status.irregularPulse) flags.push("irregular-pulse");
  if (status.pulseRange === "above-upper") flags.push("pulse-above-range");
  if (status.pulseRange === "below-lower") flags.push("pulse-below-range");
  if (status.improperPosition) flags.push("improper-position");
  return flags;
};

/** Cuffs that do not compute a mean send 0 or NaN; a mean pressure of 0 is no measurement. */
const meanOf = (map: MedicalFloat, unit: string): ReadingValue =>
  map.tag === "number" && map.value === 0 ? absentValue(MEAN, "unknown") : measured(MEAN, map, unit);

/**
 * A blood pressure, in mm[Hg] or kPa as sent. Where the payload leaves its layout (reserved flags, bytes to spare) and
 * its pulse is none, everything after the pressures was read at the wrong place: it is withheld, the rest is
 * `questionable`. Neither pressure measured: `not-performed`.
 */
export const bloodPressure = (record: BloodPressureRecord): Measurement => {
  const { unit, systolic, diastolic, pulse, userId, status } = record;
  const isDeviating = record.reservedFlags !== 0 || record.trailing > 0;
  const isTailLost = isDeviating && isImplausiblePulse(pulse);

  const values = [measured(SYSTOLIC, systolic, unit), measured(DIASTOLIC, diastolic, unit), meanOf(record.map, unit)];
  if (pulse !== null) values.push(isTailLost ? absentValue(PULSE, "error") : measured(PULSE, pulse, "/min"));

  const context: Record<string, number> = {};
  const quality: Quality[] = [];
  if (isDeviating) quality.push("questionable");
  if (userId !== null && !isTailLost) {
    if (userId === UNKNOWN_USER) quality.push("unconfirmed");
    else context.userSlot = userId;
  }
  if (status !== null && !isTailLost) context.status = status.raw;

  return {
    kind: "blood-pressure",
    status: systolic.tag === "special" && diastolic.tag === "special" ? "not-performed" : "final",
    values,
    supplemental: [],
    context,
    flags: status === null || isTailLost ? [] : flagsOf(status),
    quality,
    time: record.time,
  };
};
