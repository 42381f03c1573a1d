import { type Decoded, decoded, malformed } from "../driver.ts";
import { bitNames } from "./bit-names.ts";
import { crcMcrf4xx } from "./crc.ts";
import { tooShort, u8, u16 } from "./field.ts";
import { type MedicalFloat, sfloatAt } from "./float.ts";

/** One record of a CGM Measurement, 0x2AA7 (CGMS 1.0.1 section 3.1). Octets that the flags do not announce are null. */
export interface CgmRecord {
  /** mg/dL. */
  readonly glucose: MedicalFloat;
  /** Minutes since the start of the session. */
  readonly timeOffsetMin: number;
  readonly statusOctet: number | null;
  readonly calTempOctet: number | null;
  readonly warningOctet: number | null;
  readonly trendMgDlPerMin: MedicalFloat | null;
  readonly qualityPercent: MedicalFloat | null;
  /** The record carried a CRC, and it was right. A wrong one makes the whole value malformed. */
  readonly crcChecked: boolean;
  /** Flag bits 2 to 4 in place. */
  readonly reservedFlags: number;
}

const STATUS = [
  "sessionStopped",
  "deviceBatteryLow",
  "sensorTypeIncorrect",
  "sensorMalfunction",
  "deviceSpecificAlert",
  "generalDeviceFault",
] as const;
const CAL_TEMP = [
  "timeSynchronisationRequired",
  "calibrationNotAllowed",
  "calibrationRecommended",
  "calibrationRequired",
  "sensorTemperatureTooHigh",
  "sensorTemperatureTooLow",
] as const;
const WARNING = [
  "belowPatientLow",
  "abovePatientHigh",
  "belowHypo",
  "aboveHyper",
  "rateOfDecreaseExceeded",
  "rateOfIncreaseExceeded",
  "belowDeviceRange",
  "aboveDeviceRange",
] as const;

export type CgmFlag = (typeof STATUS)[number] | (typeof CAL_TEMP)[number] | (typeof WARNING)[number];

/** Names of the set bits of the three octets of Sensor Status Annunciation (CGMS 1.0.1 section 3.1.1.5). */
export const cgmFlags = (
  record: Pick<CgmRecord, "statusOctet" | "calTempOctet" | "warningOctet">,
): readonly CgmFlag[] => [
  ...bitNames<CgmFlag>(record.statusOctet ?? 0, STATUS),
  ...bitNames<CgmFlag>(record.calTempOctet ?? 0, CAL_TEMP),
  ...bitNames<CgmFlag>(record.warningOctet ?? 0, WARNING),
];

const WHAT = "CGM measurement";
const CRC_LENGTH = 2;

const recordAt = (bytes: Uint8Array, at: number): Decoded<{ readonly record: CgmRecord; readonly size: number }> => {
  const left = bytes.length - at;
  const size = u8(bytes, at);
  const flags = u8(bytes, at + 1);
  const trendAt = 6 + ((flags >> 7) & 1) + ((flags >> 6) & 1) + ((flags >> 5) & 1);
  const qualityAt = trendAt + (flags & 1) * 2;
  const needed = qualityAt + ((flags >> 1) & 1) * 2;
  if (left < 6 || left < size) return tooShort(WHAT, Math.max(6, size), left);
  if (size < needed) return tooShort(`${WHAT}, by its size octet`, needed, size);
  if (size !== needed && size !== needed + CRC_LENGTH) {
    return malformed("format", `${WHAT}: ${size} bytes by its size octet, ${needed} by its flags`);
  }
  const crcChecked = size > needed;
  if (crcChecked && crcMcrf4xx(bytes, at, at + needed) !== u16(bytes, at + needed)) {
    return malformed("crc", `${WHAT}: E2E-CRC does not match`);
  }
  let octetAt = at + 6;
  const octet = (bit: number): number | null => ((flags & bit) === 0 ? null : u8(bytes, octetAt++));
  return decoded({
    size,
    record: {
      glucose: sfloatAt(bytes, at + 2),
      timeOffsetMin: u16(bytes, at + 4),
      statusOctet: octet(0x80),
      calTempOctet: octet(0x40),
      warningOctet: octet(0x20),
      trendMgDlPerMin: (flags & 0x01) === 0 ? null : sfloatAt(bytes, at + trendAt),
      qualityPercent: (flags & 0x02) === 0 ? null : sfloatAt(bytes, at + qualityAt),
      crcChecked,
      reservedFlags: flags & 0x1c,
    },
  });
};

/** One notification carries one or more records. One that is malformed makes the notification malformed. */
export const decodeCgmMeasurement = (bytes: Uint8Array): Decoded<readonly CgmRecord[]> => {
  if (bytes.length === 0) return tooShort(WHAT, 6, 0);
  const records: CgmRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const next = recordAt(bytes, at);
    if (next.tag === "malformed") return next;
    records.push(next.record.record);
    at += next.record.size;
  }
  return decoded(records);
};
