import { MISSING_PULSE, MISSING_SPO2 } from "./nonin-frames.ts";

/** What an oximeter shows, once a second. */
export interface ShownOximetry {
  /** Formatted for display; 511 and 127 are missing. */
  readonly pulse: number;
  readonly spo2: number;
  readonly outOfTrack?: boolean;
  readonly perfusion?: "low" | "marginal";
  readonly artifact?: boolean;
  /** The finger was removed: the last values are held for 10 s. */
  readonly fingerRemoved?: boolean;
  readonly lowBattery?: boolean;
}

/** Status, first octet: bit 7 is always set, in the other three never. */
const STATUS = { START: 0x80, OUT_OF_TRACK: 0x20, LOW_PERFUSION: 0x10, MARGINAL_PERFUSION: 0x08, ARTIFACT: 0x04 };
/** Status 2, last octet. */
const STATUS2 = { SMART_POINT: 0x20, SENSOR_ALARM: 0x08, LOW_BATTERY: 0x01 };

const perfusionBit = (perfusion: ShownOximetry["perfusion"]): number => {
  if (perfusion === undefined) return 0;
  return perfusion === "low" ? STATUS.LOW_PERFUSION : STATUS.MARGINAL_PERFUSION;
};

/**
 * Nonin data format 8 ("Onyx II Model 9560 OEM Specification and Technical Information", 6470-000-01, pages 16 and
 * 17): four octets once a second: status with the upper bits of the pulse, pulse, SpO2, status 2.
 */
export const noninSecond = (shown: ShownOximetry): Uint8Array => {
  const { pulse, spo2 } = shown;
  const isMissing = pulse === MISSING_PULSE || spo2 === MISSING_SPO2;
  return Uint8Array.of(
    STATUS.START |
      (shown.outOfTrack === true ? STATUS.OUT_OF_TRACK : 0) |
      perfusionBit(shown.perfusion) |
      (shown.artifact === true ? STATUS.ARTIFACT : 0) |
      ((pulse >> 7) & 0x03),
    pulse & 0x7f,
    spo2 & 0x7f,
    (isMissing || shown.fingerRemoved === true ? 0 : STATUS2.SMART_POINT) |
      (shown.fingerRemoved === true ? STATUS2.SENSOR_ALARM : 0) |
      (shown.lowBattery === true ? STATUS2.LOW_BATTERY : 0),
  );
};
