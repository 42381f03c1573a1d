import { type Decoded, decoded } from "../driver.ts";
import { bitNames, unnamedBits } from "./bit-names.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooShort, u8, u16, u24 } from "./field.ts";
import { isBiasedSfloat, type MedicalFloat, sfloatAt } from "./float.ts";

/** Saturation in percent and pulse in beats a minute, measured together. */
export interface OximetryPair {
  readonly spo2: MedicalFloat;
  readonly pulse: MedicalFloat;
}

interface OximetryCommon extends OximetryPair {
  /** 16 bits, see `plxMeasurementFlags`. */
  readonly measurementStatus: number | null;
  /** 24 bits, see `plxDeviceFlags`. */
  readonly deviceStatus: number | null;
  /** Percent. */
  readonly pulseAmplitudeIndex: MedicalFloat | null;
  /** Flag bits 5 to 7 in place. */
  readonly reservedFlags: number;
  readonly trailing: number;
  /** Exponents written with a wrong bias: the numbers are not what was measured and must not be published. */
  readonly biasedExponent: boolean;
}

/** PLX Spot-Check Measurement, 0x2A5E (PLXS 1.0.1 section 3.1). */
export interface OximetrySpotRecord extends OximetryCommon {
  readonly time: DateTime | null;
  /** The sensor says that its clock was never set: `time` is worth nothing. */
  readonly deviceClockNotSet: boolean;
}

/** PLX Continuous Measurement, 0x2A5F (PLXS 1.0.1 section 3.2). */
export interface OximetryContinuousRecord extends OximetryCommon {
  readonly fast: OximetryPair | null;
  readonly slow: OximetryPair | null;
}

export type PlxMeasurementFlag =
  | "measurementOngoing"
  | "earlyEstimate"
  | "validated"
  | "fullyQualified"
  | "fromStorage"
  | "demonstration"
  | "testing"
  | "calibrationOngoing"
  | "unavailable"
  | "questionable"
  | "invalid";

const MEASUREMENT: readonly (PlxMeasurementFlag | null)[] = [
  null,
  null,
  null,
  null,
  null,
  "measurementOngoing",
  "earlyEstimate",
  "validated",
  "fullyQualified",
  "fromStorage",
  "demonstration",
  "testing",
  "calibrationOngoing",
  "unavailable",
  "questionable",
  "invalid",
];

export type PlxDeviceFlag =
  | "extendedDisplayUpdate"
  | "equipmentMalfunction"
  | "signalProcessingIrregularity"
  | "inadequateSignal"
  | "poorSignal"
  | "lowPerfusion"
  | "erraticSignal"
  | "nonpulsatileSignal"
  | "questionablePulse"
  | "signalAnalysisOngoing"
  | "sensorInterference"
  | "sensorUnconnectedToUser"
  | "unknownSensor"
  | "sensorDisplaced"
  | "sensorMalfunction"
  | "sensorDisconnected";

const DEVICE: readonly PlxDeviceFlag[] = [
  "extendedDisplayUpdate",
  "equipmentMalfunction",
  "signalProcessingIrregularity",
  "inadequateSignal",
  "poorSignal",
  "lowPerfusion",
  "erraticSignal",
  "nonpulsatileSignal",
  "questionablePulse",
  "signalAnalysisOngoing",
  "sensorInterference",
  "sensorUnconnectedToUser",
  "unknownSensor",
  "sensorDisplaced",
  "sensorMalfunction",
  "sensorDisconnected",
];

/** Names of the bits of Measurement Status (PLXS 1.0.1 section 3.1.1.5). */
export const plxMeasurementFlags = (raw: number): readonly PlxMeasurementFlag[] => bitNames(raw, MEASUREMENT);
/** Names of the bits of Device and Sensor Status (PLXS 1.0.1 section 3.1.1.6). */
export const plxDeviceFlags = (raw: number): readonly PlxDeviceFlag[] => bitNames(raw, DEVICE);
/** Bits of the two that the specification reserves. */
export const PLX_RESERVED = { measurement: unnamedBits(MEASUREMENT, 16), device: unnamedBits(DEVICE, 24) } as const;

export const decodeOximetrySpot = (bytes: Uint8Array): Decoded<OximetrySpotRecord> => {
  const flags = u8(bytes, 0);
  const timed = (flags & 0x01) !== 0;
  const judged = (flags & 0x02) !== 0;
  const reported = (flags & 0x04) !== 0;
  const indexed = (flags & 0x08) !== 0;
  const statusAt = 5 + (timed ? DATE_TIME_LENGTH : 0);
  const deviceAt = statusAt + (judged ? 2 : 0);
  const indexAt = deviceAt + (reported ? 3 : 0);
  const needed = indexAt + (indexed ? 2 : 0);
  if (bytes.length < needed) return tooShort("PLX spot-check measurement", needed, bytes.length);
  const spo2 = sfloatAt(bytes, 1);
  const pulse = sfloatAt(bytes, 3);
  return decoded({
    spo2,
    pulse,
    time: timed ? dateTimeAt(bytes, 5) : null,
    measurementStatus: judged ? u16(bytes, statusAt) : null,
    deviceStatus: reported ? u24(bytes, deviceAt) : null,
    pulseAmplitudeIndex: indexed ? sfloatAt(bytes, indexAt) : null,
    deviceClockNotSet: (flags & 0x10) !== 0,
    reservedFlags: flags & 0xe0,
    trailing: bytes.length - needed,
    biasedExponent: isBiasedSfloat(spo2) || isBiasedSfloat(pulse),
  });
};

export const decodeOximetryContinuous = (bytes: Uint8Array): Decoded<OximetryContinuousRecord> => {
  const flags = u8(bytes, 0);
  const hasFast = (flags & 0x01) !== 0;
  const hasSlow = (flags & 0x02) !== 0;
  const judged = (flags & 0x04) !== 0;
  const reported = (flags & 0x08) !== 0;
  const indexed = (flags & 0x10) !== 0;
  const slowAt = 5 + (hasFast ? 4 : 0);
  const statusAt = slowAt + (hasSlow ? 4 : 0);
  const deviceAt = statusAt + (judged ? 2 : 0);
  const indexAt = deviceAt + (reported ? 3 : 0);
  const needed = indexAt + (indexed ? 2 : 0);
  if (bytes.length < needed) return tooShort("PLX continuous measurement", needed, bytes.length);
  const pairAt = (at: number): OximetryPair => ({ spo2: sfloatAt(bytes, at), pulse: sfloatAt(bytes, at + 2) });
  const { spo2, pulse } = pairAt(1);
  return decoded({
    spo2,
    pulse,
    fast: hasFast ? pairAt(5) : null,
    slow: hasSlow ? pairAt(slowAt) : null,
    measurementStatus: judged ? u16(bytes, statusAt) : null,
    deviceStatus: reported ? u24(bytes, deviceAt) : null,
    pulseAmplitudeIndex: indexed ? sfloatAt(bytes, indexAt) : null,
    reservedFlags: flags & 0xe0,
    trailing: bytes.length - needed,
    biasedExponent: isBiasedSfloat(spo2) || isBiasedSfloat(pulse),
  });
};
