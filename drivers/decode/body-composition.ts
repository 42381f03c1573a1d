import { type Decoded, decoded } from "../driver.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooShort, u8, u16 } from "./field.ts";
import { decimal, type MedicalFloat } from "./float.ts";
import { heightOf, massOf } from "./weight.ts";

/**
 * Body Composition Measurement, 0x2A9C (BCS 1.0 section 3.2). Masses in `unit`; what the flags do not announce is null.
 */
export interface BodyCompositionRecord {
  readonly unit: "kg" | "[lb_av]";
  /** Null where the scale says "measurement unsuccessful" (0xFFFF): nothing else of the value then counts. */
  readonly bodyFatPercent: MedicalFloat | null;
  readonly time: DateTime | null;
  /** 255 is "unknown user". */
  readonly userId: number | null;
  readonly basalMetabolismKJ: number | null;
  readonly musclePercent: MedicalFloat | null;
  readonly muscleMass: MedicalFloat | null;
  readonly fatFreeMass: MedicalFloat | null;
  readonly softLeanMass: MedicalFloat | null;
  readonly bodyWaterMass: MedicalFloat | null;
  readonly impedanceOhm: MedicalFloat | null;
  readonly weight: MedicalFloat | null;
  readonly height: MedicalFloat | null;
  readonly heightUnit: "m" | "[in_i]";
  /** The measurement goes on in the next value (BCS 1.0 section 3.2.1.1, bit 12). */
  readonly multiplePacket: boolean;
  /** Flag bits 13 to 15 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
}

const UNSUCCESSFUL = 0xffff;

/** Flag bit to length of its field, in the order of the fields. */
const LENGTHS: readonly (readonly [bit: number, length: number])[] = [
  [0x0002, DATE_TIME_LENGTH],
  [0x0004, 1],
  [0x0008, 2],
  [0x0010, 2],
  [0x0020, 2],
  [0x0040, 2],
  [0x0080, 2],
  [0x0100, 2],
  [0x0200, 2],
  [0x0400, 2],
  [0x0800, 2],
];

export const decodeBodyComposition = (bytes: Uint8Array): Decoded<BodyCompositionRecord> => {
  if (bytes.length < 4) return tooShort("body composition measurement", 4, bytes.length);
  const flags = u16(bytes, 0);
  let needed = 4;
  for (const [bit, length] of LENGTHS) if ((flags & bit) !== 0) needed += length;
  if (bytes.length < needed) return tooShort("body composition measurement", needed, bytes.length);

  const imperial = (flags & 0x0001) !== 0;
  let at = 4;
  const take = (bit: number, length: number): number | null => {
    if ((flags & bit) === 0) return null;
    at += length;
    return at - length;
  };
  const word = (bit: number): number | null => {
    const found = take(bit, 2);
    return found === null ? null : u16(bytes, found);
  };
  const mass = (bit: number): MedicalFloat | null => {
    const raw = word(bit);
    return raw === null ? null : massOf(raw, imperial);
  };
  const tenths = (bit: number): MedicalFloat | null => {
    const raw = word(bit);
    return raw === null ? null : decimal(raw, 1);
  };

  const fat = u16(bytes, 2);
  const timeAt = take(0x0002, DATE_TIME_LENGTH);
  const userAt = take(0x0004, 1);
  const basalMetabolismKJ = word(0x0008);
  const musclePercent = tenths(0x0010);
  const muscleMass = mass(0x0020);
  const fatFreeMass = mass(0x0040);
  const softLeanMass = mass(0x0080);
  const bodyWaterMass = mass(0x0100);
  const impedanceOhm = tenths(0x0200);
  const weight = mass(0x0400);
  const height = word(0x0800);
  return decoded({
    unit: imperial ? "[lb_av]" : "kg",
    bodyFatPercent: fat === UNSUCCESSFUL ? null : decimal(fat, 1),
    time: timeAt === null ? null : dateTimeAt(bytes, timeAt),
    userId: userAt === null ? null : u8(bytes, userAt),
    basalMetabolismKJ,
    musclePercent,
    muscleMass,
    fatFreeMass,
    softLeanMass,
    bodyWaterMass,
    impedanceOhm,
    weight,
    height: height === null ? null : heightOf(height, imperial),
    heightUnit: imperial ? "[in_i]" : "m",
    multiplePacket: (flags & 0x1000) !== 0,
    reservedFlags: flags & 0xe000,
    trailing: bytes.length - needed,
  });
};
