import { type Decoded, decoded, malformed } from "../driver.ts";
import type { DateTime } from "./date-time.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/*
 * Nonin data format 13, spot check with store and forward: Nonin 6470-000-01 (2008), pages 5 to 7.
 *
 *   00 02 | 00 0D packet type | length of the data, MSB LSB, 14 or more | data | checksum | 03
 *   data: century, year, month, day, hour, minute, second, fraction (BCD); status MSB LSB; pulse MSB LSB; reserved; SpO2
 *   checksum: low byte of the sum of the data
 *
 * The document asks for no acknowledgement: "After stored measurements are sent they are removed from memory" (page 5).
 * The oximeter sends its stored measurements, oldest first, before the new one.
 */

export const DF13_HEADER_LENGTH = 6;
export const DF13_FOOTER_LENGTH = 2;
export const DF13_SHORTEST_DATA = 14;
/** The data is "expandable" (page 6). 64 bytes leave room for 50 more than any published version has. */
export const DF13_LONGEST_DATA = 64;
/** Octets 1 to 4 of a record. */
export const DF13_START: readonly number[] = [0x00, 0x02, 0x00, 0x0d];

export interface NoninDf13Record {
  /** The oximeter's clock: lost at a change of batteries (page 4). */
  readonly time: DateTime;
  /** Hundredths of the second, 00 in the published version. */
  readonly fraction: number;
  /** Beats a minute; null for 511, "missing". */
  readonly pulse: number | null;
  /** Percent; null for 127, "missing". */
  readonly spo2: number | null;
  readonly status: number;
  /** High quality measurement of the SmartPoint algorithm; without it the 40 s passed without one. */
  readonly smartPoint: boolean;
  /** No measurement of saturation or pulse. */
  readonly noMeasurement: boolean;
  /** Taken earlier and stored. */
  readonly fromMemory: boolean;
  readonly lowBattery: boolean;
  /** Status bits that the document reserves, in place. */
  readonly reservedStatus: number;
  /** Bytes of data after the 14 that are known. */
  readonly trailing: number;
}

/** Two decimal digits in a byte, or -1 where a half is no digit. */
const bcdAt = (bytes: Uint8Array, at: number): number => {
  const raw = u8(bytes, at);
  return (raw & 0x0f) > 9 || raw > 0x99 ? -1 : (raw >> 4) * 10 + (raw & 0x0f);
};

export const decodeNoninDf13 = (bytes: Uint8Array): Decoded<NoninDf13Record> => {
  const shortest = DF13_HEADER_LENGTH + DF13_SHORTEST_DATA + DF13_FOOTER_LENGTH;
  if (bytes.length < shortest) return tooShort("Nonin format 13 record", shortest, bytes.length);
  if (DF13_START.some((octet, at) => u8(bytes, at) !== octet)) {
    return malformed("sync", "Nonin format 13 record: does not start with 00 02 00 0D");
  }
  const length = (u8(bytes, 4) << 8) | u8(bytes, 5);
  if (length < DF13_SHORTEST_DATA)
    return malformed("format", `Nonin format 13 record: ${length} data bytes, 14 needed`);
  const whole = DF13_HEADER_LENGTH + length + DF13_FOOTER_LENGTH;
  if (bytes.length < whole) return tooShort("Nonin format 13 record", whole, bytes.length);
  if (bytes.length > whole) return tooLong("Nonin format 13 record", whole, bytes.length);
  if (u8(bytes, whole - 1) !== 0x03) return malformed("format", "Nonin format 13 record: does not end with 03");
  let sum = 0;
  for (let at = DF13_HEADER_LENGTH; at < whole - DF13_FOOTER_LENGTH; at++) sum += u8(bytes, at);
  if ((sum & 0xff) !== u8(bytes, whole - 2)) {
    return malformed("checksum", "Nonin format 13 record: checksum is not the sum of the data");
  }

  const [century, year, month, day, hour, minute, second, fraction] = [6, 7, 8, 9, 10, 11, 12, 13].map((at) =>
    bcdAt(bytes, at),
  ) as [number, number, number, number, number, number, number, number];
  if (Math.min(century, year, month, day, hour, minute, second, fraction) < 0) {
    return malformed("range", "Nonin format 13 record: a part of the time is not two decimal digits");
  }
  const status = (u8(bytes, 14) << 8) | u8(bytes, 15);
  const pulse = ((u8(bytes, 16) & 0x01) << 8) | u8(bytes, 17);
  const spo2 = u8(bytes, 19) & 0x7f;
  return decoded({
    time: { year: century * 100 + year, month, day, hour, minute, second },
    fraction,
    pulse: pulse === 511 ? null : pulse,
    spo2: spo2 === 127 ? null : spo2,
    status,
    smartPoint: (status & 0x0200) !== 0,
    noMeasurement: (status & 0x0100) !== 0,
    fromMemory: (status & 0x0010) !== 0,
    lowBattery: (status & 0x0001) !== 0,
    reservedStatus: status & 0xfcee,
    trailing: length - DF13_SHORTEST_DATA,
  });
};
