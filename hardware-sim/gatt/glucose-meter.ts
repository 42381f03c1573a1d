import { toHex } from "../../protocol/bytes.ts";
import { le16, octets } from "../radio/little-endian.ts";
import type { LocalDateTime } from "./date-time.ts";
import { readable } from "./device-services.ts";
import { type GlucoseMeasurement, glucoseMeasurement } from "./glucose.ts";
import { type GlucoseContext, glucoseContext } from "./glucose-context.ts";
import { ACCESS_OP, ACCESS_OPERATOR, GLUCOSE_ACCESS_ERRORS } from "./record-access-codes.ts";
import { type AccessCapabilities, numberFilter, timeFilter } from "./record-filter.ts";
import type { RecordPart, StoredRecord } from "./record-memory.ts";
import { createRecordSensor, type RecordSensor, type RecordSensorOptions } from "./record-sensor.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";
import { createUserFacingClock } from "./user-facing-clock.ts";

export interface GlucoseValues extends GlucoseMeasurement {
  readonly context?: GlucoseContext;
}

export interface GlucoseMeterOptions extends RecordSensorOptions {
  /** Glucose Feature 2A51. Default: every detection of the annunciation field (bits 0 to 9), one bond. */
  readonly features?: number;
  /** Without it the meter has no 2A34 and leaves contexts out. Default true. */
  readonly context?: boolean;
  /** First sequence number, and the first again after a reset. Default 1. */
  readonly firstSequence?: number;
  /** The offset field is sent only where the clock was ever changed. Default false: always. */
  readonly leavesOffsetOut?: boolean;
}

export type GlucoseMeter = RecordSensor<GlucoseValues>;

const FEATURES = 0x03ff;

/** Filter types of the Glucose Service (3.4). */
const FILTER = { SEQUENCE: 1, USER_FACING_TIME: 2 } as const;

/** All operations and operators of 2A52, with both filters. */
const CAPABILITIES: AccessCapabilities<StoredRecord<GlucoseValues>> = {
  operations: new Set([ACCESS_OP.REPORT, ACCESS_OP.DELETE, ACCESS_OP.ABORT, ACCESS_OP.COUNT]),
  operators: new Set(Object.values(ACCESS_OPERATOR)),
  filters: new Map([
    [FILTER.SEQUENCE, numberFilter(({ sequence }) => sequence)],
    [FILTER.USER_FACING_TIME, timeFilter(({ userFacingMs }) => userFacingMs ?? 0)],
  ]),
};

/** A meter without a clock has nothing to put into the mandatory field: all unknown. */
const NO_TIME: LocalDateTime = { year: 0, month: 0, day: 0, hours: 0, minutes: 0, seconds: 0 };

/** Sequence numbers are 16 bits and start again at 0 (3.1). */
const SEQUENCES = 0x10000;

/** A glucose meter with the Glucose Service 1808, which keeps its records and tells them on demand. */
export const createGlucoseMeter = (options: GlucoseMeterOptions): GlucoseMeter => {
  const surroundings = createSensorSurroundings(options);
  const userClock = createUserFacingClock(surroundings.deviceClock);
  const hasContext = options.context ?? true;
  const security = options.security ?? "open";
  const first = options.firstSequence ?? 1;

  const encode = (values: GlucoseValues, index: number): { sequence: number; parts: readonly RecordPart[] } => {
    const sequence = (first + index) % SEQUENCES;
    const { context } = values;
    const follows = hasContext && context !== undefined;
    const { offsetMinutes } = userClock;
    const time = {
      base: userClock.base.read() ?? NO_TIME,
      offsetMinutes: options.leavesOffsetOut === true && offsetMinutes === 0 ? null : offsetMinutes,
    };
    const measurement = glucoseMeasurement(values, sequence, time, follows);
    return {
      sequence,
      parts: [
        { characteristic: "2a18", valueHex: toHex(measurement) },
        ...(follows ? [{ characteristic: "2a34", valueHex: toHex(glucoseContext(context, sequence)) }] : []),
      ],
    };
  };

  return createRecordSensor(
    {
      service: "1808",
      record: { uuid: "2a18", push: "notify" },
      characteristics: [
        ...(hasContext ? [{ uuid: "2a34", properties: ["notify" as const], security }] : []),
        readable("2a51", () => octets(le16(options.features ?? FEATURES))),
      ],
      capabilities: CAPABILITIES,
      errors: GLUCOSE_ACCESS_ERRORS,
      live: false,
      encode,
      userClock,
    },
    options,
    surroundings,
  );
};
