import { type Decoded, decoded } from "../driver.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooLong, tooShort, u8 } from "./field.ts";
import { floatAt, isBiasedFloat, type MedicalFloat } from "./float.ts";

/** Where a temperature was taken (Temperature Type, 0x2A1D). 0 and 10 to 255 are reserved. */
export type TemperatureSite =
  | "armpit"
  | "body"
  | "ear"
  | "finger"
  | "gastro-intestinal"
  | "mouth"
  | "rectum"
  | "toe"
  | "tympanum"
  | "reserved";

const SITES: readonly TemperatureSite[] = [
  "reserved",
  "armpit",
  "body",
  "ear",
  "finger",
  "gastro-intestinal",
  "mouth",
  "rectum",
  "toe",
  "tympanum",
];

export interface TemperatureType {
  readonly raw: number;
  readonly site: TemperatureSite;
}

const typeOf = (raw: number): TemperatureType => ({ raw, site: SITES[raw] ?? "reserved" });

/** Temperature Measurement, 0x2A1C (HTS 1.0 section 3.1), and Intermediate Temperature, 0x2A1E, of the same layout. */
export interface TemperatureRecord {
  readonly unit: "Cel" | "[degF]";
  readonly temperature: MedicalFloat;
  readonly time: DateTime | null;
  readonly type: TemperatureType | null;
  /** Flag bits 3 to 7 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
  /** The exponent was written with a wrong bias: the number is not what was measured and must not be published. */
  readonly biasedExponent: boolean;
}

export const decodeTemperature = (bytes: Uint8Array): Decoded<TemperatureRecord> => {
  const flags = u8(bytes, 0);
  const timed = (flags & 0x02) !== 0;
  const typed = (flags & 0x04) !== 0;
  const needed = 5 + (timed ? DATE_TIME_LENGTH : 0) + (typed ? 1 : 0);
  if (bytes.length < needed) return tooShort("temperature measurement", needed, bytes.length);
  const temperature = floatAt(bytes, 1);
  return decoded({
    unit: (flags & 0x01) === 0 ? "Cel" : "[degF]",
    temperature,
    time: timed ? dateTimeAt(bytes, 5) : null,
    type: typed ? typeOf(u8(bytes, timed ? 5 + DATE_TIME_LENGTH : 5)) : null,
    reservedFlags: flags & 0xf8,
    trailing: bytes.length - needed,
    biasedExponent: isBiasedFloat(temperature),
  });
};

/** Temperature Type, 0x2A1D: the site of a thermometer that does not say it with each measurement. */
export const decodeTemperatureType = (bytes: Uint8Array): Decoded<TemperatureType> => {
  if (bytes.length < 1) return tooShort("temperature type", 1, 0);
  if (bytes.length > 1) return tooLong("temperature type", 1, bytes.length);
  return decoded(typeOf(u8(bytes, 0)));
};
