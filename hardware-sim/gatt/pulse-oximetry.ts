import { le16, le24, octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";
import { type Quantity, sfloat } from "./medical-float.ts";

/** Measurement Status, from bit 5 on (Pulse Oximeter Service 1.0.1, 3.1). */
const FIRST_STATUS_BIT = 5;
const STATUSES = [
  "ongoing",
  "early-estimate",
  "validated",
  "fully-qualified",
  "from-storage",
  "demonstration",
  "testing",
  "calibrating",
  "unavailable",
  "questionable",
  "invalid",
] as const;

/** Device and Sensor Status, bit 0 to 15 (3.1). */
const DEVICE_STATUSES = [
  "extended-display-update",
  "equipment-malfunction",
  "signal-processing-irregular",
  "inadequate-signal",
  "poor-signal",
  "low-perfusion",
  "erratic-signal",
  "nonpulsatile-signal",
  "questionable-pulse",
  "signal-analysis-ongoing",
  "sensor-interference",
  "sensor-unconnected",
  "unknown-sensor",
  "sensor-displaced",
  "sensor-malfunction",
  "sensor-disconnected",
] as const;

export type OximetryStatus = (typeof STATUSES)[number];
export type OximeterDeviceStatus = (typeof DEVICE_STATUSES)[number];

/** Percent and beats a minute. */
export interface OximetryPair {
  readonly spo2: Quantity;
  readonly pulse: Quantity;
}

interface OximetryConditions {
  readonly status?: readonly OximetryStatus[];
  readonly deviceStatus?: readonly OximeterDeviceStatus[];
  readonly pulseAmplitudeIndex?: Quantity;
}

export interface SpotCheck extends OximetryPair, OximetryConditions {
  /** The clock is marked as not set. */
  readonly clockNotSet?: boolean;
}

export interface ContinuousOximetry extends OximetryPair, OximetryConditions {
  readonly fast?: OximetryPair;
  readonly slow?: OximetryPair;
}

const SPOT_FLAG = { TIME: 0x01, STATUS: 0x02, DEVICE: 0x04, AMPLITUDE: 0x08, CLOCK_NOT_SET: 0x10 } as const;
const CONTINUOUS_FLAG = { FAST: 0x01, SLOW: 0x02, STATUS: 0x04, DEVICE: 0x08, AMPLITUDE: 0x10 } as const;

const bits = <T extends string>(list: readonly T[], of: readonly T[], first = 0): number =>
  of.reduce((field, one) => field | (1 << (list.indexOf(one) + first)), 0);

const pairOctets = ({ spo2, pulse }: OximetryPair): readonly number[] => [...sfloat(spo2), ...sfloat(pulse)];

const conditionOctets = ({ status, deviceStatus, pulseAmplitudeIndex }: OximetryConditions): readonly number[] => [
  ...(status === undefined ? [] : le16(bits(STATUSES, status, FIRST_STATUS_BIT))),
  ...(deviceStatus === undefined ? [] : le24(bits(DEVICE_STATUSES, deviceStatus))),
  ...(pulseAmplitudeIndex === undefined ? [] : sfloat(pulseAmplitudeIndex)),
];

/** PLX Spot-check Measurement, characteristic 2A5E. */
export const spotCheckMeasurement = (check: SpotCheck, at: LocalDateTime | null): Uint8Array =>
  octets(
    (at === null ? 0 : SPOT_FLAG.TIME) |
      (check.status === undefined ? 0 : SPOT_FLAG.STATUS) |
      (check.deviceStatus === undefined ? 0 : SPOT_FLAG.DEVICE) |
      (check.pulseAmplitudeIndex === undefined ? 0 : SPOT_FLAG.AMPLITUDE) |
      (check.clockNotSet === true ? SPOT_FLAG.CLOCK_NOT_SET : 0),
    pairOctets(check),
    at === null ? [] : dateTime(at),
    conditionOctets(check),
  );

/** PLX Continuous Measurement, characteristic 2A5F. */
export const continuousOximetry = (values: ContinuousOximetry): Uint8Array =>
  octets(
    (values.fast === undefined ? 0 : CONTINUOUS_FLAG.FAST) |
      (values.slow === undefined ? 0 : CONTINUOUS_FLAG.SLOW) |
      (values.status === undefined ? 0 : CONTINUOUS_FLAG.STATUS) |
      (values.deviceStatus === undefined ? 0 : CONTINUOUS_FLAG.DEVICE) |
      (values.pulseAmplitudeIndex === undefined ? 0 : CONTINUOUS_FLAG.AMPLITUDE),
    pairOctets(values),
    values.fast === undefined ? [] : pairOctets(values.fast),
    values.slow === undefined ? [] : pairOctets(values.slow),
    conditionOctets(values),
  );

/** PLX Features, characteristic 2A60: supported features, then which status bits exist, each field where it is used. */
const FEATURE = { STATUS: 0x01, DEVICE: 0x02, STORAGE: 0x04, TIME: 0x08, FAST: 0x10, SLOW: 0x20, AMPLITUDE: 0x40 };
const ALL_STATUSES = 0xffe0;
const ALL_DEVICE_STATUSES = 0xffff;

/** Everything that the encoders above can send; the time only where there is a clock. */
export const oximeterFeatures = (hasClock: boolean): Uint8Array =>
  octets(
    le16(Object.values(FEATURE).reduce((all, bit) => all | bit, 0) & (hasClock ? 0xffff : ~FEATURE.TIME)),
    le16(ALL_STATUSES),
    le24(ALL_DEVICE_STATUSES),
  );
