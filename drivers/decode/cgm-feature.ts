import { type Decoded, decoded, malformed } from "../driver.ts";
import { crcMcrf4xx } from "./crc.ts";
import { tooLong, tooShort, u8, u16, u24 } from "./field.ts";

/** CGM Feature, 0x2AA8 (CGMS 1.0.2 section 3.2). */
export interface CgmFeature {
  /** 24 bits. */
  readonly features: number;
  /** As in a glucose measurement: 9 is interstitial fluid. */
  readonly type: number;
  /** As in a glucose measurement; 5 is subcutaneous tissue. */
  readonly sampleLocation: number;
  /** Every other value of the service carries a CRC (bit 12). */
  readonly hasCrc: boolean;
}

/** CGM Status, 0x2AA9 (CGMS 1.0.2 section 3.3). */
export interface CgmStatus {
  /** Minutes since the start of the session. */
  readonly timeOffsetMin: number;
  readonly statusOctet: number;
  readonly calTempOctet: number;
  readonly warningOctet: number;
}

const HAS_CRC = 1 << 12;
const CRC_LENGTH = 2;

/** The length is right, and the CRC where the value has one. */
const checked = (what: string, bytes: Uint8Array, length: number): Decoded<never> | null => {
  if (bytes.length < length) return tooShort(what, length, bytes.length);
  if (bytes.length === length) return null;
  if (bytes.length !== length + CRC_LENGTH) return tooLong(what, length, bytes.length);
  return crcMcrf4xx(bytes, 0, length) === u16(bytes, length)
    ? null
    : malformed("crc", `${what}: E2E-CRC does not match`);
};

/** Its CRC field is always there; without CRC support it is 0xFFFF and says nothing. */
export const decodeCgmFeature = (bytes: Uint8Array): Decoded<CgmFeature> => {
  const what = "CGM feature";
  if (bytes.length !== 6) return bytes.length < 6 ? tooShort(what, 6, bytes.length) : tooLong(what, 6, bytes.length);
  const features = u24(bytes, 0);
  const hasCrc = (features & HAS_CRC) !== 0;
  const fault = hasCrc ? checked(what, bytes, 4) : null;
  return fault ?? decoded({ features, type: u8(bytes, 3) & 0x0f, sampleLocation: u8(bytes, 3) >> 4, hasCrc });
};

export const decodeCgmStatus = (bytes: Uint8Array): Decoded<CgmStatus> =>
  checked("CGM status", bytes, 5) ??
  decoded({
    timeOffsetMin: u16(bytes, 0),
    statusOctet: u8(bytes, 2),
    calTempOctet: u8(bytes, 3),
    warningOctet: u8(bytes, 4),
  });

/** CGM Session Run Time, 0x2AAB (CGMS 1.0.2 section 3.5): hours that the sensor may be worn. */
export const decodeCgmRunTime = (bytes: Uint8Array): Decoded<number> =>
  checked("CGM session run time", bytes, 2) ?? decoded(u16(bytes, 0));
