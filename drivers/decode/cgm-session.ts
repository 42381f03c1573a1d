import { type Decoded, decoded, malformed } from "../driver.ts";
import { crcMcrf4xx } from "./crc.ts";
import { type DateTime, dateTimeAt, dateTimeFault, localOf, plusMinutes } from "./date-time.ts";
import { i8, tooLong, tooShort, u8, u16 } from "./field.ts";

/** CGM Session Start Time, 0x2AAA (CGMS 1.0.1 section 3.4). */
export interface CgmSessionStart {
  readonly start: DateTime;
  /** Minutes east of UTC without summer time; null for -128, unknown. */
  readonly timeZoneMin: number | null;
  /** 0, 30, 60 or 120; null for 255, unknown. */
  readonly dstMin: number | null;
  readonly crcChecked: boolean;
}

const WHAT = "CGM session start time";
const BARE_LENGTH = 9;
const CRC_LENGTH = 2;

/** Quarters of an hour (Time Zone and DST Offset characteristics). */
const QUARTER = 15;
const DST_QUARTERS: ReadonlySet<number> = new Set([0, 2, 4, 8]);
const UNKNOWN_ZONE = -128;
const UNKNOWN_DST = 255;

export const decodeCgmSessionStart = (bytes: Uint8Array): Decoded<CgmSessionStart> => {
  const crcChecked = bytes.length > BARE_LENGTH;
  const length = crcChecked ? BARE_LENGTH + CRC_LENGTH : BARE_LENGTH;
  if (bytes.length < length) return tooShort(WHAT, length, bytes.length);
  if (bytes.length > length) return tooLong(WHAT, length, bytes.length);
  if (crcChecked && crcMcrf4xx(bytes, 0, BARE_LENGTH) !== u16(bytes, BARE_LENGTH)) {
    return malformed("crc", `${WHAT}: E2E-CRC does not match`);
  }
  const start = dateTimeAt(bytes, 0);
  const zone = i8(bytes, 7);
  const dst = u8(bytes, 8);
  const fault = dateTimeFault(start);
  if (fault !== null) return malformed("range", `${WHAT}: ${fault} out of range`);
  if (zone !== UNKNOWN_ZONE && (zone < -48 || zone > 56)) return malformed("range", `${WHAT}: time zone ${zone}`);
  if (dst !== UNKNOWN_DST && !DST_QUARTERS.has(dst)) return malformed("range", `${WHAT}: DST offset ${dst}`);
  return decoded({
    start,
    timeZoneMin: zone === UNKNOWN_ZONE ? null : zone * QUARTER,
    dstMin: dst === UNKNOWN_DST ? null : dst * QUARTER,
    crcChecked,
  });
};

/** The start of the session in UTC, `YYYY-MM-DDTHH:mm:ssZ`; null where date, zone or summer time is not known. */
export const sessionStartUtc = (session: CgmSessionStart): string | null => {
  if (session.timeZoneMin === null || session.dstMin === null) return null;
  const utc = plusMinutes(session.start, -(session.timeZoneMin + session.dstMin));
  const local = utc === null ? null : localOf(utc);
  return local === null ? null : `${local}Z`;
};
