import { createFieldReader, le16, le24, octets } from "../radio/little-endian.ts";
import { annunciationOctets, type CgmAnnunciation } from "./cgm.ts";
import { dateTime, type LocalDateTime, readDateTime } from "./date-time.ts";
import { withCrc } from "./e2e-crc.ts";

/** CGM Feature bits that our sensors set (CGMS 1.0.2, 3.2). */
export const CGM_FEATURE = {
  CALIBRATION: 1 << 0,
  MALFUNCTION_DETECTION: 1 << 6,
  TEMPERATURE_DETECTION: 1 << 7,
  RESULT_DETECTION: 1 << 8,
  LOW_BATTERY_DETECTION: 1 << 9,
  GENERAL_FAULT_DETECTION: 1 << 11,
  E2E_CRC: 1 << 12,
  MULTIPLE_BONDS: 1 << 13,
  MULTIPLE_SESSIONS: 1 << 14,
  TREND: 1 << 15,
  QUALITY: 1 << 16,
} as const;

/** Interstitial fluid (9) in subcutaneous tissue (5 << 4). */
const TYPE_AND_LOCATION = 9 | (5 << 4);
/** What the CRC field of the feature holds in a sensor without CRC (3.2). */
const NO_CRC = 0xffff;

/** CGM Feature 2AA8: the one value whose CRC field is there with and without CRC. */
export const cgmFeature = (features: number, crc: boolean): Uint8Array => {
  const value = octets(le24(features), TYPE_AND_LOCATION);
  return crc ? withCrc(value) : octets(value, le16(NO_CRC));
};

const protectedValue = (value: Uint8Array, crc: boolean): Uint8Array => (crc ? withCrc(value) : value);

/** CGM Status 2AA9. */
export const cgmStatus = (minute: number, annunciation: CgmAnnunciation, crc: boolean): Uint8Array =>
  protectedValue(octets(le16(minute), annunciationOctets(annunciation)), crc);

/** When a session began: local time, zone in quarters of an hour (-128 unknown), daylight saving 0, 2, 4, 8 (255 unknown). */
export interface SessionStart {
  readonly at: LocalDateTime;
  readonly zoneQuarters: number;
  readonly dstOffset: number;
}

export const UNKNOWN_ZONE = -128;
export const UNKNOWN_DST = 255;

/** CGM Session Start Time 2AAA. */
export const cgmSessionStart = ({ at, zoneQuarters, dstOffset }: SessionStart, crc: boolean): Uint8Array =>
  protectedValue(octets(dateTime(at), zoneQuarters & 0xff, dstOffset), crc);

/** Octets of 2AAA without its CRC. */
export const SESSION_START_OCTETS = 9;

export const readSessionStart = (value: Uint8Array): SessionStart => {
  const fields = createFieldReader(value);
  const at = readDateTime(fields);
  const zone = fields.u8();
  return { at, zoneQuarters: zone > 0x7f ? zone - 0x100 : zone, dstOffset: fields.u8() };
};

/** CGM Session Run Time 2AAB: how long the sensor may be worn. */
export const cgmRunTime = (hours: number, crc: boolean): Uint8Array => protectedValue(octets(le16(hours)), crc);
