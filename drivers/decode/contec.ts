import { type Decoded, decoded, malformed } from "../driver.ts";
import { tooLong, tooShort, u8 } from "./field.ts";

/*
 * Contec CMS50 finger oximeters: bit 7 marks the first octet of a live frame, the others have it clear. The layout is
 * known from free software only (atbrask/CMS50Dplus), the maker publishes none.
 */

export const CONTEC_LIVE_LENGTH = 5;
export const CONTEC_RECORDED_LENGTH = 3;

export interface ContecLiveRecord {
  readonly signalStrength: number;
  readonly fingerOut: boolean;
  readonly droppingSpo2: boolean;
  readonly beep: boolean;
  readonly waveform: number;
  readonly barGraph: number;
  readonly probeError: boolean;
  readonly searching: boolean;
  /** As sent: beats a minute, 0 or 255 without a pulse. */
  readonly pulse: number;
  /** As sent: percent, 0 or 127 without a value. */
  readonly spo2: number;
}

export interface ContecRecordedRecord {
  readonly pulse: number;
  readonly spo2: number;
}

/** The values are a measurement: no status speaks against them and neither is a mark for "none". */
export const isContecMeasurement = (record: ContecLiveRecord | ContecRecordedRecord): boolean => {
  const disturbed = "fingerOut" in record && (record.fingerOut || record.probeError || record.searching);
  return !disturbed && record.pulse > 0 && record.pulse < 255 && record.spo2 > 0 && record.spo2 <= 100;
};

export const decodeContecLive = (bytes: Uint8Array): Decoded<ContecLiveRecord> => {
  if (bytes.length < CONTEC_LIVE_LENGTH) return tooShort("Contec live frame", CONTEC_LIVE_LENGTH, bytes.length);
  if (bytes.length > CONTEC_LIVE_LENGTH) return tooLong("Contec live frame", CONTEC_LIVE_LENGTH, bytes.length);
  const first = u8(bytes, 0);
  const third = u8(bytes, 2);
  const rest = u8(bytes, 1) | third | u8(bytes, 3) | u8(bytes, 4);
  if ((first & 0x80) === 0 || (rest & 0x80) !== 0) {
    return malformed("sync", "Contec live frame: bit 7 must be set in octet 1 and clear in octets 2 to 5");
  }
  return decoded({
    signalStrength: first & 0x0f,
    fingerOut: (first & 0x10) !== 0,
    droppingSpo2: (first & 0x20) !== 0,
    beep: (first & 0x40) !== 0,
    waveform: u8(bytes, 1),
    barGraph: third & 0x0f,
    probeError: (third & 0x10) !== 0,
    searching: (third & 0x20) !== 0,
    pulse: ((third & 0x40) << 1) | u8(bytes, 3),
    spo2: u8(bytes, 4),
  });
};

export const decodeContecRecorded = (bytes: Uint8Array): Decoded<ContecRecordedRecord> => {
  if (bytes.length < CONTEC_RECORDED_LENGTH) {
    return tooShort("Contec recorded frame", CONTEC_RECORDED_LENGTH, bytes.length);
  }
  if (bytes.length > CONTEC_RECORDED_LENGTH) {
    return tooLong("Contec recorded frame", CONTEC_RECORDED_LENGTH, bytes.length);
  }
  const first = u8(bytes, 0);
  const second = u8(bytes, 1);
  const spo2 = u8(bytes, 2);
  if ((first & 0xfe) !== 0xf0 || (second & 0x80) === 0 || (spo2 & 0x80) !== 0) {
    return malformed("sync", "Contec recorded frame: not F0 or F1, then bit 7 set, then bit 7 clear");
  }
  return decoded({ pulse: ((first & 0x01) << 7) | (second & 0x7f), spo2 });
};
