import { octets } from "../radio/little-endian.ts";
import { hasGoodCrc, withCrc } from "./e2e-crc.ts";

/** CGM Specific Ops Control Point 2AAC (CGM Service 1.0.2, 3.7). */
export const CGM_OP = {
  SET_INTERVAL: 0x01,
  GET_INTERVAL: 0x02,
  INTERVAL: 0x03,
  SET_CALIBRATION: 0x04,
  GET_CALIBRATION: 0x05,
  RESET_DEVICE_ALERT: 0x19,
  START_SESSION: 0x1a,
  STOP_SESSION: 0x1b,
  RESPONSE: 0x1c,
} as const;

export const CGM_RESULT = {
  SUCCESS: 1,
  OP_NOT_SUPPORTED: 2,
  INVALID_OPERAND: 3,
  NOT_COMPLETED: 4,
  OUT_OF_RANGE: 5,
} as const;

/** ATT errors of this service (1.6): not those of the Glucose Service, which give the same numbers another meaning. */
export const CGM_ERROR = { MISSING_CRC: 0x80, INVALID_CRC: 0x81 } as const;

/** Thresholds by the op code that sets them; reading is the next code, its response the one after. Two octets, SFLOAT. */
const THRESHOLDS: readonly number[] = [0x07, 0x0a, 0x0d, 0x10, 0x13, 0x16];

export interface CgmControlState {
  readonly running: boolean;
  /** Minutes between measurements; 0 off, 255 as fast as it can. Kept, and left to the scenario to follow. */
  readonly intervalMinutes: number;
  /** What each threshold was set to. */
  readonly thresholds: ReadonlyMap<number, readonly number[]>;
}

export interface CgmControlStep {
  readonly state: CgmControlState;
  readonly answer: Uint8Array;
}

const SFLOAT_OCTETS = 2;

/** Operand octets that an op code takes; null where it is not supported. */
const operandOctets = (op: number): number | null => {
  if (op === CGM_OP.SET_INTERVAL) return 1;
  if (THRESHOLDS.includes(op)) return SFLOAT_OCTETS;
  const without: readonly number[] = [
    CGM_OP.GET_INTERVAL,
    CGM_OP.RESET_DEVICE_ALERT,
    CGM_OP.START_SESSION,
    CGM_OP.STOP_SESSION,
    ...THRESHOLDS.map((set) => set + 1),
  ];
  return without.includes(op) ? 0 : null;
};

/** The request without its CRC, or the ATT error that refuses it. */
export const readControl = (value: Uint8Array, crc: boolean): Uint8Array | number => {
  if (!crc) return value;
  const needed = 1 + (operandOctets(value[0] ?? 0) ?? 0) + 2;
  if (value.length < needed) return CGM_ERROR.MISSING_CRC;
  return hasGoodCrc(value) ? value.subarray(0, -2) : CGM_ERROR.INVALID_CRC;
};

/** What becomes of a request. Pure; the answer goes out as it is. */
export const answerControl = (state: CgmControlState, request: Uint8Array, crc: boolean): CgmControlStep => {
  const [op = 0, ...operand] = request;
  const give = (value: Uint8Array, next = state): CgmControlStep => ({
    state: next,
    answer: crc ? withCrc(value) : value,
  });
  const result = (code: number, next = state): CgmControlStep => give(octets(CGM_OP.RESPONSE, op, code), next);

  const wanted = operandOctets(op);
  if (wanted === null) return result(CGM_RESULT.OP_NOT_SUPPORTED);
  if (operand.length !== wanted) return result(CGM_RESULT.INVALID_OPERAND);
  if (THRESHOLDS.includes(op)) {
    return result(CGM_RESULT.SUCCESS, { ...state, thresholds: new Map([...state.thresholds, [op, operand]]) });
  }
  if (THRESHOLDS.includes(op - 1)) return give(octets(op + 1, state.thresholds.get(op - 1) ?? [0, 0]));
  switch (op) {
    case CGM_OP.SET_INTERVAL:
      return result(CGM_RESULT.SUCCESS, { ...state, intervalMinutes: operand[0] ?? 0 });
    case CGM_OP.GET_INTERVAL:
      return give(octets(CGM_OP.INTERVAL, state.intervalMinutes));
    case CGM_OP.START_SESSION:
      return state.running ? result(CGM_RESULT.NOT_COMPLETED) : result(CGM_RESULT.SUCCESS, { ...state, running: true });
    case CGM_OP.STOP_SESSION:
      return result(CGM_RESULT.SUCCESS, { ...state, running: false });
    default:
      return result(CGM_RESULT.SUCCESS);
  }
};
