import { type Decoded, decoded } from "../driver.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooShort, u8, u16 } from "./field.ts";
import { isBiasedSfloat, type MedicalFloat, sfloatAt } from "./float.ts";

/** Measurement Status of a blood pressure (BLS 1.1.1 section 3.1.1.6). `reserved` holds bits 6 to 15 in place. */
export interface BloodPressureStatus {
  readonly raw: number;
  readonly bodyMovement: boolean;
  readonly cuffTooLoose: boolean;
  readonly irregularPulse: boolean;
  readonly pulseRange: "in-range" | "above-upper" | "below-lower" | "reserved";
  readonly improperPosition: boolean;
  readonly reserved: number;
}

/** Blood Pressure Measurement, 0x2A35 (BLS 1.1.1 section 3.1). */
export interface BloodPressureRecord {
  readonly unit: "mm[Hg]" | "kPa";
  readonly systolic: MedicalFloat;
  readonly diastolic: MedicalFloat;
  readonly map: MedicalFloat;
  readonly time: DateTime | null;
  /** Per minute. */
  readonly pulse: MedicalFloat | null;
  /** 255 is "unknown user". */
  readonly userId: number | null;
  readonly status: BloodPressureStatus | null;
  /** Flag bits 5 to 7 in place; not 0 means that the sensor does not follow the layout that was read here. */
  readonly reservedFlags: number;
  /** Bytes after the last field that the flags announce. */
  readonly trailing: number;
  /** Exponents written with a wrong bias: the numbers are not what was measured and must not be published. */
  readonly biasedExponent: boolean;
}

/**
 * `specification`, or the payload of a Beurer BM85 and its kin: pulse and status big-endian, a user byte that is
 * always there, although flag bit 3 is clear. The catalogue entry of the model says which one is read.
 */
export type BloodPressureLayout = "specification" | "big-endian-tail";

const PULSE_RANGES = ["in-range", "above-upper", "below-lower", "reserved"] as const;

const statusOf = (raw: number): BloodPressureStatus => ({
  raw,
  bodyMovement: (raw & 0x01) !== 0,
  cuffTooLoose: (raw & 0x02) !== 0,
  irregularPulse: (raw & 0x04) !== 0,
  pulseRange: PULSE_RANGES[(raw >> 3) & 0x03] ?? "reserved",
  improperPosition: (raw & 0x20) !== 0,
  reserved: raw & 0xffc0,
});

const swappedAt = (bytes: Uint8Array, at: number): Uint8Array => Uint8Array.of(u8(bytes, at + 1), u8(bytes, at));

export const decodeBloodPressure = (
  bytes: Uint8Array,
  layout: BloodPressureLayout = "specification",
): Decoded<BloodPressureRecord> => {
  const flags = u8(bytes, 0);
  const timed = (flags & 0x02) !== 0;
  const pulsed = (flags & 0x04) !== 0;
  const swapped = layout === "big-endian-tail";
  const owned = swapped || (flags & 0x08) !== 0;
  const judged = (flags & 0x10) !== 0;
  const needed = 7 + (timed ? DATE_TIME_LENGTH : 0) + (pulsed ? 2 : 0) + (owned ? 1 : 0) + (judged ? 2 : 0);
  if (bytes.length < needed) return tooShort("blood pressure measurement", needed, bytes.length);

  const systolic = sfloatAt(bytes, 1);
  const diastolic = sfloatAt(bytes, 3);
  const map = sfloatAt(bytes, 5);
  const pulseAt = timed ? 7 + DATE_TIME_LENGTH : 7;
  const userAt = pulsed ? pulseAt + 2 : pulseAt;
  const statusAt = owned ? userAt + 1 : userAt;
  const pulse = swapped ? sfloatAt(swappedAt(bytes, pulseAt), 0) : sfloatAt(bytes, pulseAt);
  const status = swapped ? (u8(bytes, statusAt) << 8) | u8(bytes, statusAt + 1) : u16(bytes, statusAt);
  return decoded({
    unit: (flags & 0x01) === 0 ? "mm[Hg]" : "kPa",
    systolic,
    diastolic,
    map,
    time: timed ? dateTimeAt(bytes, 7) : null,
    pulse: pulsed ? pulse : null,
    userId: owned ? u8(bytes, userAt) : null,
    status: judged ? statusOf(status) : null,
    reservedFlags: flags & 0xe0,
    trailing: bytes.length - needed,
    biasedExponent: isBiasedSfloat(systolic) || isBiasedSfloat(diastolic),
  });
};

/**
 * A pulse outside what a cuff can count, or below zero. Special values are not implausible: they say that there is
 * none. Cuffs of the catalogue state 30 to 240 per minute at most; the margin is for those that state more.
 */
export const isImplausiblePulse = (pulse: MedicalFloat | null): boolean =>
  pulse?.tag === "number" && (pulse.value < 20 || pulse.value > 300);

/**
 * The bytes do not look like the layout they were read by: an absurd pulse together with a reserved flag or bytes left
 * over. Then pulse, user and status are misread bytes, and none of the three may be published.
 */
export const isSuspectLayout = (record: BloodPressureRecord): boolean =>
  isImplausiblePulse(record.pulse) && (record.reservedFlags !== 0 || record.trailing !== 0);
