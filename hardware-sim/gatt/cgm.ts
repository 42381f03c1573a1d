import { le16, octets } from "../radio/little-endian.ts";
import { withCrc } from "./e2e-crc.ts";
import { type Quantity, sfloat } from "./medical-float.ts";

/** Sensor Status Annunciation, three octets: what the sensor is, calibration and temperature, warnings (CGMS 1.0.2, 3.1). */
const STATUS = [
  "session-stopped",
  "battery-low",
  "sensor-type-incorrect",
  "sensor-malfunction",
  "device-alert",
  "general-fault",
] as const;
const CALIBRATION = [
  "time-synchronisation-required",
  "calibration-not-allowed",
  "calibration-recommended",
  "calibration-required",
  "temperature-too-high",
  "temperature-too-low",
] as const;
const WARNINGS = [
  "below-patient-low",
  "above-patient-high",
  "below-hypo",
  "above-hyper",
  "falls-too-fast",
  "rises-too-fast",
  "below-range",
  "above-range",
] as const;

export type CgmStatus = (typeof STATUS)[number];
export type CgmCalibration = (typeof CALIBRATION)[number];
export type CgmWarning = (typeof WARNINGS)[number];

/** An octet given as a number goes out as it is. */
export interface CgmAnnunciation {
  readonly status?: readonly CgmStatus[] | number;
  readonly calibration?: readonly CgmCalibration[] | number;
  readonly warnings?: readonly CgmWarning[] | number;
}

export interface CgmValues extends CgmAnnunciation {
  /** mg/dL. */
  readonly glucose: Quantity;
  /** mg/dL a minute. */
  readonly trend?: Quantity;
  /** Percent. */
  readonly quality?: Quantity;
}

const FLAG = { TREND: 0x01, QUALITY: 0x02, WARNING: 0x20, CALIBRATION: 0x40, STATUS: 0x80 } as const;

const octetOf = <T extends string>(list: readonly T[], of: readonly T[] | number | undefined): number =>
  typeof of === "number" ? of : (of ?? []).reduce((bits, one) => bits | (1 << list.indexOf(one)), 0);

/** The three octets; as in CGM Status 2AA9, where all are always there. */
export const annunciationOctets = ({ status, calibration, warnings }: CgmAnnunciation): readonly number[] => [
  octetOf(STATUS, status),
  octetOf(CALIBRATION, calibration),
  octetOf(WARNINGS, warnings),
];

/**
 * One record of CGM Measurement 2AA7. Its size, itself included, is its first octet; a notification may hold several
 * records one after another (3.1).
 */
export const cgmMeasurement = (values: CgmValues, minute: number, crc: boolean): Uint8Array => {
  const { glucose, trend, quality, status, calibration, warnings } = values;
  const [statusOctet = 0, calibrationOctet = 0, warningOctet = 0] = annunciationOctets(values);
  const body = octets(
    (trend === undefined ? 0 : FLAG.TREND) |
      (quality === undefined ? 0 : FLAG.QUALITY) |
      (warnings === undefined ? 0 : FLAG.WARNING) |
      (calibration === undefined ? 0 : FLAG.CALIBRATION) |
      (status === undefined ? 0 : FLAG.STATUS),
    sfloat(glucose),
    le16(minute),
    status === undefined ? [] : [statusOctet],
    calibration === undefined ? [] : [calibrationOctet],
    warnings === undefined ? [] : [warningOctet],
    trend === undefined ? [] : sfloat(trend),
    quality === undefined ? [] : sfloat(quality),
  );
  const sized = octets(1 + body.length + (crc ? 2 : 0), body);
  return crc ? withCrc(sized) : sized;
};
