import { le16, octets } from "../radio/little-endian.ts";

/** Record Access Control Point 2A52: the same in Glucose (GLS 1.0.1, 3.4), CGM (CGMS 1.0.2, 3.6) and PLX (PLXS 1.0.1, 3.4). */
export const ACCESS_OP = { REPORT: 1, DELETE: 2, ABORT: 3, COUNT: 4, COUNT_RESPONSE: 5, RESPONSE: 6 } as const;

export const ACCESS_OPERATOR = {
  NULL: 0,
  ALL: 1,
  LESS_OR_EQUAL: 2,
  GREATER_OR_EQUAL: 3,
  RANGE: 4,
  FIRST: 5,
  LAST: 6,
} as const;

export const ACCESS_RESULT = {
  SUCCESS: 1,
  OP_NOT_SUPPORTED: 2,
  INVALID_OPERATOR: 3,
  OPERATOR_NOT_SUPPORTED: 4,
  INVALID_OPERAND: 5,
  NO_RECORDS: 6,
  ABORT_UNSUCCESSFUL: 7,
  NOT_COMPLETED: 8,
  OPERAND_NOT_SUPPORTED: 9,
} as const;

/** Response Code: what became of the request with this op code. */
export const accessResponse = (requestOp: number, result: number): Uint8Array =>
  octets(ACCESS_OP.RESPONSE, ACCESS_OPERATOR.NULL, requestOp, result);

export const countResponse = (count: number): Uint8Array =>
  octets(ACCESS_OP.COUNT_RESPONSE, ACCESS_OPERATOR.NULL, le16(count));

/** ATT error codes with which a service refuses a write of its control point. */
export interface AccessErrors {
  readonly inProgress: number;
  /** Client configuration of the control point, or of what it would send, is not as the service demands. */
  readonly misconfigured: number;
}

/** The Glucose Service has its own (GLS 1.0.1, 1.6); they mean something else elsewhere. */
export const GLUCOSE_ACCESS_ERRORS: AccessErrors = { inProgress: 0x80, misconfigured: 0x81 };
/** Later services take the common ones (Core Supplement Part B, 1.2). */
export const COMMON_ACCESS_ERRORS: AccessErrors = { inProgress: 0xfe, misconfigured: 0xfd };
