import { le16, octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";

/** What a scale with electrodes finds. Masses in kg or lb, height in m or in; lengths of fields as in 2A9C. */
export interface BodyCompositionValues {
  /** Percent. Null: the measurement failed, and nothing else is known but when and of whom. */
  readonly fatPercent: number | null;
  /** Default SI. */
  readonly units?: "SI" | "imperial";
  /** 0 to 254; 255 is an unknown user. */
  readonly user?: number;
  /** Kilojoules. */
  readonly basalMetabolismKj?: number;
  readonly musclePercent?: number;
  readonly muscleMass?: number;
  readonly fatFreeMass?: number;
  readonly softLeanMass?: number;
  readonly waterMass?: number;
  readonly impedanceOhm?: number;
  readonly weight?: number;
  readonly height?: number;
}

/** A fat percentage that could not be measured (Body Composition Service 1.0, 3.2). */
const UNSUCCESSFUL = 0xffff;
const MULTIPLE_PACKETS = 1 << 12;
/** What an indication holds on a link of the least ATT_MTU: 23 less op code and handle. */
const MOST_OCTETS = 20;

/** A field that may be there: its flag bit and its octets. */
interface Field {
  readonly bit: number;
  readonly value: readonly number[];
}

const scaled = (what: string, value: number, unit: number): readonly number[] => {
  const raw = Math.round(value / unit);
  if (raw < 0 || raw >= UNSUCCESSFUL) throw new RangeError(`${what} ${value}: does not fit`);
  return le16(raw);
};

/** The optional fields in the order of the characteristic. */
const fieldsOf = (values: BodyCompositionValues, at: LocalDateTime | null): readonly Field[] => {
  const isSi = values.units !== "imperial";
  const mass = isSi ? 0.005 : 0.01;
  const quantities: readonly (readonly [number, string, number | undefined, number])[] = [
    [3, "basal metabolism", values.basalMetabolismKj, 1],
    [4, "muscle percentage", values.musclePercent, 0.1],
    [5, "muscle mass", values.muscleMass, mass],
    [6, "fat free mass", values.fatFreeMass, mass],
    [7, "soft lean mass", values.softLeanMass, mass],
    [8, "body water mass", values.waterMass, mass],
    [9, "impedance", values.impedanceOhm, 0.1],
    [10, "weight", values.weight, mass],
    [11, "height", values.height, isSi ? 0.001 : 0.1],
  ];
  return [
    ...(at === null ? [] : [{ bit: 1, value: dateTime(at) }]),
    ...(values.user === undefined ? [] : [{ bit: 2, value: [values.user] }]),
    ...quantities.flatMap(([bit, what, value, unit]) =>
      value === undefined ? [] : [{ bit, value: scaled(what, value, unit) }],
    ),
  ];
};

const packet = (flags: number, fat: readonly number[], fields: readonly Field[]): Uint8Array =>
  octets(
    le16(fields.reduce((bits, { bit }) => bits | (1 << bit), flags)),
    fat,
    fields.flatMap(({ value }) => value),
  );

/**
 * Body Composition Measurement, characteristic 2A9C: one packet, or two where the least ATT_MTU does not hold all of
 * it. Flags and fat percentage are the mandatory fields, so both packets have them, with the bit for several packets;
 * time and user go into the first. The service leaves open which packet the others go into: ours fill the first.
 */
export const bodyCompositionMeasurement = (
  values: BodyCompositionValues,
  at: LocalDateTime | null,
): readonly Uint8Array[] => {
  const units = values.units === "imperial" ? 1 : 0;
  const fat = values.fatPercent === null ? le16(UNSUCCESSFUL) : scaled("fat percentage", values.fatPercent, 0.1);
  const fields = fieldsOf(values, at);
  const whole = packet(units, fat, fields);
  if (whole.length <= MOST_OCTETS) return [whole];
  let room = MOST_OCTETS - 4;
  const firstCount = fields.findIndex(({ value }) => {
    room -= value.length;
    return room < 0;
  });
  const flags = units | MULTIPLE_PACKETS;
  return [packet(flags, fat, fields.slice(0, firstCount)), packet(flags, fat, fields.slice(firstCount))];
};
