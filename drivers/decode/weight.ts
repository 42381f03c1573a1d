import { type Decoded, decoded } from "../driver.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooShort, u8, u16 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";

/** Weight Measurement, 0x2A9D (WSS 1.0.1 section 3.2). */
export interface WeightRecord {
  readonly unit: "kg" | "[lb_av]";
  /** In `unit`, resolution 0.005 kg or 0.01 lb; null where the scale says "measurement unsuccessful" (0xFFFF). */
  readonly weight: MedicalFloat | null;
  readonly time: DateTime | null;
  /** 255 is "unknown user" (WSS 1.0.1 section 3.2.1.4). */
  readonly userId: number | null;
  /** kg/m2, resolution 0.1. */
  readonly bmi: MedicalFloat | null;
  /** In `heightUnit`, resolution 0.001 m or 0.1 inch. */
  readonly height: MedicalFloat | null;
  readonly heightUnit: "m" | "[in_i]";
  /** Flag bits 4 to 7 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
}

/** WSS 1.0.1 section 3.2.1.2: the scale could not weigh. */
const UNSUCCESSFUL = 0xffff;

/** A mass of the scale and body composition services: raw x 0.005 kg, or raw x 0.01 lb. */
export const massOf = (raw: number, imperial: boolean): MedicalFloat =>
  imperial ? decimal(raw, 2) : decimal(raw * 5, 3);

/** A height of the same services: raw x 0.001 m, or raw x 0.1 inch. */
export const heightOf = (raw: number, imperial: boolean): MedicalFloat => decimal(raw, imperial ? 1 : 3);

export const decodeWeight = (bytes: Uint8Array): Decoded<WeightRecord> => {
  const flags = u8(bytes, 0);
  const imperial = (flags & 0x01) !== 0;
  const timed = (flags & 0x02) !== 0;
  const owned = (flags & 0x04) !== 0;
  const sized = (flags & 0x08) !== 0;
  const needed = 3 + (timed ? DATE_TIME_LENGTH : 0) + (owned ? 1 : 0) + (sized ? 4 : 0);
  if (bytes.length < needed) return tooShort("weight measurement", needed, bytes.length);

  const raw = u16(bytes, 1);
  const userAt = timed ? 3 + DATE_TIME_LENGTH : 3;
  const bmiAt = owned ? userAt + 1 : userAt;
  return decoded({
    unit: imperial ? "[lb_av]" : "kg",
    weight: raw === UNSUCCESSFUL ? null : massOf(raw, imperial),
    time: timed ? dateTimeAt(bytes, 3) : null,
    userId: owned ? u8(bytes, userAt) : null,
    bmi: sized ? decimal(u16(bytes, bmiAt), 1) : null,
    height: sized ? heightOf(u16(bytes, bmiAt + 2), imperial) : null,
    heightUnit: imperial ? "[in_i]" : "m",
    reservedFlags: flags & 0xf0,
    trailing: bytes.length - needed,
  });
};
