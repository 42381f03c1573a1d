import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/*
 * Nonin serial data format 8: 4 bytes once a second, values for display, no checksum. Nonin 6470-000-01, pages 16
 * and 17.
 */

export const DF8_FRAME_LENGTH = 4;

export interface NoninDf8Record {
  /** Beats a minute, 4-beat average for display; null for 511, "missing". Holds for 10 s after the finger is out. */
  readonly pulse: number | null;
  /** Percent, 4-beat average for display; null for 127, "missing". */
  readonly spo2: number | null;
  readonly outOfTrack: boolean;
  readonly lowPerfusion: boolean;
  readonly marginalPerfusion: boolean;
  readonly artifact: boolean;
  readonly smartPoint: boolean;
  /** The finger is out: the values shown are up to 10 s old. */
  readonly sensorAlarm: boolean;
  readonly lowBattery: boolean;
}

export const decodeNoninDf8 = (bytes: Uint8Array): Decoded<NoninDf8Record> => {
  if (bytes.length < DF8_FRAME_LENGTH) return tooShort("Nonin format 8 frame", DF8_FRAME_LENGTH, bytes.length);
  if (bytes.length > DF8_FRAME_LENGTH) return tooLong("Nonin format 8 frame", DF8_FRAME_LENGTH, bytes.length);
  const status = u8(bytes, 0);
  const status2 = u8(bytes, 3);
  if ((status & 0x80) === 0 || ((u8(bytes, 1) | u8(bytes, 2) | status2) & 0x80) !== 0) {
    return malformed("sync", "Nonin format 8 frame: bit 7 must be set in byte 1 and clear in bytes 2 to 4");
  }
  const pulse = ((status & 0x03) << 7) | u8(bytes, 1);
  const spo2 = u8(bytes, 2);
  return decoded({
    pulse: pulse === 511 ? null : pulse,
    spo2: spo2 === 127 ? null : spo2,
    outOfTrack: (status & 0x20) !== 0,
    lowPerfusion: (status & 0x10) !== 0,
    marginalPerfusion: (status & 0x08) !== 0,
    artifact: (status & 0x04) !== 0,
    smartPoint: (status2 & 0x20) !== 0,
    sensorAlarm: (status2 & 0x08) !== 0,
    lowBattery: (status2 & 0x01) !== 0,
  });
};
