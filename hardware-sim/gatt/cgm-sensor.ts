import { toHex } from "../../protocol/bytes.ts";
import { minutes } from "../../protocol/time.ts";
import { ATT_ERROR } from "./att-codes.ts";
import type { CharacteristicDefinition } from "./attribute-table.ts";
import { annunciationOctets, type CgmAnnunciation, type CgmValues, cgmMeasurement } from "./cgm.ts";
import { answerControl, CGM_ERROR, type CgmControlState, readControl } from "./cgm-control.ts";
import {
  CGM_FEATURE,
  cgmFeature,
  cgmRunTime,
  cgmSessionStart,
  cgmStatus,
  readSessionStart,
  SESSION_START_OCTETS,
  type SessionStart,
  UNKNOWN_DST,
  UNKNOWN_ZONE,
} from "./cgm-session.ts";
import { createControlAnswers } from "./control-answers.ts";
import { localFromMs, localMs } from "./date-time.ts";
import { readable } from "./device-services.ts";
import { hasGoodCrc } from "./e2e-crc.ts";
import { ACCESS_OP, ACCESS_OPERATOR, COMMON_ACCESS_ERRORS } from "./record-access-codes.ts";
import { numberFilter } from "./record-filter.ts";
import { createRecordSensor, type RecordSensor, type RecordSensorOptions } from "./record-sensor.ts";
import { SENSOR_DEFAULTS } from "./sensor-options.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";
import { zonePartsAt } from "./zone-parts.ts";

export interface CgmSensorOptions extends RecordSensorOptions {
  /** E2E-CRC in every value but the record access. Default true. */
  readonly crc?: boolean;
  /** How long it may be worn, hours. Default 336: two weeks. */
  readonly runTimeHours?: number;
  /** Most records in one notification of a report. Default 1. */
  readonly together?: number;
}

export interface CgmSession {
  /** It runs from the start, until a central stops it. */
  readonly running: boolean;
  /** Minutes since it began. */
  readonly minute: number;
  /** Null while nobody told a sensor without a clock. */
  readonly start: SessionStart | null;
}

/** A sensor under the skin. It measures for a session, and stays connected to who wants to hear it. */
export interface CgmSensor extends RecordSensor<CgmValues> {
  readonly session: CgmSession;
  /** What the next read of its status says, beside a stopped session. */
  setAnnunciation(annunciation: CgmAnnunciation): void;
}

const MINUTE = minutes(1);
/** Two weeks, the time that it is worn. */
const WORN = minutes(14 * 24 * 60);
/** Two weeks at five minutes. */
const MEMORY = (14 * 24 * 60) / 5;
const RUN_TIME_HOURS = 336;
const FIRST_INTERVAL_MINUTES = 5;
const FILTER_TIME_OFFSET = 1;
const SESSION_STOPPED = 0x01;

const NO_START: SessionStart = {
  at: { year: 0, month: 0, day: 0, hours: 0, minutes: 0, seconds: 0 },
  zoneQuarters: UNKNOWN_ZONE,
  dstOffset: UNKNOWN_DST,
};

/** A sensor with the Continuous Glucose Monitoring Service 181F. The scenario calls `measure` as often as it measures. */
export const createCgmSensor = (options: CgmSensorOptions): CgmSensor => {
  const surroundings = createSensorSurroundings(options);
  const { clock, deviceClock, bell } = surroundings;
  const crc = options.crc ?? true;
  const security = options.security ?? "open";
  const zone = options.zone ?? SENSOR_DEFAULTS.zone;
  let control: CgmControlState = { running: true, intervalMinutes: FIRST_INTERVAL_MINUTES, thresholds: new Map() };
  let startedAt = clock.elapsed();
  let annunciation: CgmAnnunciation = {};
  const answers = createControlAnswers("2aac", bell);

  const startFromClock = (): SessionStart | null => {
    const at = deviceClock.read();
    return at === null ? null : { at, ...zonePartsAt(zone, clock.now()) };
  };
  let sessionStart = startFromClock();

  const minute = (): number => Math.floor((clock.elapsed() - startedAt) / MINUTE);

  const begin = (): void => {
    startedAt = clock.elapsed();
    sessionStart = startFromClock();
  };

  const writeStart = (value: Uint8Array): number | null => {
    if (value.length < SESSION_START_OCTETS) return ATT_ERROR.INVALID_LENGTH;
    if (crc && value.length === SESSION_START_OCTETS) return CGM_ERROR.MISSING_CRC;
    if (value.length !== SESSION_START_OCTETS + (crc ? 2 : 0)) return ATT_ERROR.INVALID_LENGTH;
    if (crc && !hasGoodCrc(value)) return CGM_ERROR.INVALID_CRC;
    // The central writes what time it is; the sensor reckons back to the start of the session (3.4).
    const { at, ...parts } = readSessionStart(value);
    sessionStart = { at: localFromMs(localMs(at) - minute() * MINUTE), ...parts };
    return null;
  };

  const writeControl = (value: Uint8Array): number | null => {
    if (!answers.isListening()) return COMMON_ACCESS_ERRORS.misconfigured;
    if (answers.busy) return COMMON_ACCESS_ERRORS.inProgress;
    const request = readControl(value, crc);
    if (typeof request === "number") return request;
    const wasRunning = control.running;
    const step = answerControl(control, request, crc);
    control = step.state;
    if (control.running && !wasRunning) begin();
    answers.give(step.answer);
    return null;
  };

  const statusNow = (): CgmAnnunciation => {
    if (control.running) return annunciation;
    const [status = 0] = annunciationOctets(annunciation);
    return { ...annunciation, status: status | SESSION_STOPPED };
  };

  const features =
    CGM_FEATURE.LOW_BATTERY_DETECTION |
    CGM_FEATURE.MALFUNCTION_DETECTION |
    CGM_FEATURE.MULTIPLE_SESSIONS |
    CGM_FEATURE.TREND |
    CGM_FEATURE.QUALITY |
    (crc ? CGM_FEATURE.E2E_CRC : 0);

  const characteristics: readonly CharacteristicDefinition[] = [
    readable("2aa8", () => cgmFeature(features, crc)),
    { ...readable("2aa9", () => cgmStatus(minute(), statusNow(), crc)), security },
    {
      uuid: "2aaa",
      properties: ["read", "write"],
      security,
      read: () => cgmSessionStart(sessionStart ?? NO_START, crc),
      write: writeStart,
    },
    readable("2aab", () => cgmRunTime(options.runTimeHours ?? RUN_TIME_HOURS, crc)),
    { uuid: "2aac", properties: ["write", "indicate"], security, write: writeControl },
  ];

  const sensor = createRecordSensor<CgmValues>(
    {
      service: "181f",
      record: { uuid: "2aa7", push: "notify" },
      characteristics,
      capabilities: {
        operations: new Set([ACCESS_OP.REPORT, ACCESS_OP.DELETE, ACCESS_OP.ABORT, ACCESS_OP.COUNT]),
        operators: new Set(Object.values(ACCESS_OPERATOR)),
        filters: new Map([[FILTER_TIME_OFFSET, numberFilter(({ sequence }) => sequence)]]),
      },
      errors: COMMON_ACCESS_ERRORS,
      live: true,
      worn: true,
      together: options.together ?? 1,
      encode: (values) => {
        if (!control.running) throw new RangeError("CGM: no session runs, so there is nothing to measure");
        const sequence = minute();
        return {
          sequence,
          parts: [{ characteristic: "2aa7", valueHex: toHex(cgmMeasurement(values, sequence, crc)) }],
        };
      },
      userClock: deviceClock,
      connected: answers.connect,
      serve: answers.serve,
      reset: begin,
    },
    { afterwards: "stay", advertiseFor: WORN, memory: MEMORY, ...options },
    surroundings,
  );

  return Object.assign(sensor, {
    session: {
      get running() {
        return control.running;
      },
      get minute() {
        return minute();
      },
      get start() {
        return sessionStart;
      },
    },
    setAnnunciation: (next: CgmAnnunciation) => {
      annunciation = next;
    },
  });
};
