import {
  ACCESS_OP,
  ACCESS_OPERATOR,
  ACCESS_RESULT,
  type AccessErrors,
  accessResponse,
  countResponse,
} from "./record-access-codes.ts";
import { type AccessCapabilities, selectRecords } from "./record-filter.ts";

/** Where the control point of one link stands. `left`: numbers of the records still to report. */
export type AccessState =
  | { readonly tag: "idle" }
  | { readonly tag: "reporting"; readonly left: readonly number[] }
  | { readonly tag: "answering" };

export type AccessEvent =
  /** The central wrote. `ready`: it has configured itself for what this would send. */
  | { readonly tag: "written"; readonly value: Uint8Array; readonly ready: boolean }
  /** Time for the next record. */
  | { readonly tag: "due" }
  /** The answer is confirmed, or given up. */
  | { readonly tag: "answered" };

export type AccessEffect =
  /** ATT error in place of the write response. Always alone. */
  | { readonly tag: "refuse"; readonly code: number }
  | { readonly tag: "push"; readonly id: number }
  | { readonly tag: "erase"; readonly ids: readonly number[] }
  | { readonly tag: "answer"; readonly value: Uint8Array };

export interface AccessStep {
  readonly state: AccessState;
  readonly effects: readonly AccessEffect[];
}

export interface AccessContext<R extends { readonly id: number }> {
  /** What is in memory, oldest first. */
  readonly records: readonly R[];
  readonly capabilities: AccessCapabilities<R>;
  readonly errors: AccessErrors;
}

export const IDLE: AccessState = { tag: "idle" };

const answering = (value: Uint8Array, before: readonly AccessEffect[] = []): AccessStep => ({
  state: { tag: "answering" },
  effects: [...before, { tag: "answer", value }],
});

const result = (op: number, code: number): AccessStep => answering(accessResponse(op, code));

/** Abort names no records: null operator and no operand. Where nothing runs there is nothing left of it, which is success. */
const abort = (operator: number, operand: Uint8Array): AccessStep => {
  if (operator !== ACCESS_OPERATOR.NULL) return result(ACCESS_OP.ABORT, ACCESS_RESULT.INVALID_OPERATOR);
  return result(ACCESS_OP.ABORT, operand.length > 0 ? ACCESS_RESULT.INVALID_OPERAND : ACCESS_RESULT.SUCCESS);
};

const begin = <R extends { readonly id: number }>(value: Uint8Array, context: AccessContext<R>): AccessStep => {
  const [op = 0, operator = 0] = value;
  const operand = value.subarray(2);
  if (op < ACCESS_OP.REPORT || op > ACCESS_OP.COUNT || !context.capabilities.operations.has(op)) {
    return result(op, ACCESS_RESULT.OP_NOT_SUPPORTED);
  }
  if (op === ACCESS_OP.ABORT) return abort(operator, operand);
  const outcome = selectRecords(operator, operand, context.records, context.capabilities);
  if (outcome.tag === "refused") return result(op, outcome.result);
  const ids = outcome.records.map(({ id }) => id);
  if (op === ACCESS_OP.COUNT) return answering(countResponse(ids.length));
  if (ids.length === 0) return result(op, ACCESS_RESULT.NO_RECORDS);
  if (op === ACCESS_OP.DELETE) return answering(accessResponse(op, ACCESS_RESULT.SUCCESS), [{ tag: "erase", ids }]);
  return { state: { tag: "reporting", left: ids }, effects: [] };
};

const written = <R extends { readonly id: number }>(
  state: AccessState,
  { value, ready }: Extract<AccessEvent, { tag: "written" }>,
  context: AccessContext<R>,
): AccessStep => {
  if (!ready) return { state, effects: [{ tag: "refuse", code: context.errors.misconfigured }] };
  const isAbort = value[0] === ACCESS_OP.ABORT;
  // A procedure lasts until its answer is confirmed; only Abort may come in between (GLS 1.0.1, 3.4).
  if (state.tag === "answering" || (state.tag === "reporting" && !isAbort)) {
    return { state, effects: [{ tag: "refuse", code: context.errors.inProgress }] };
  }
  return begin(value, context);
};

/**
 * One step of a Record Access Control Point. Pure. A report goes record by record, at each `due`, and ends with its
 * answer; an abort drops what is left and is answered itself.
 */
export const nextAccess = <R extends { readonly id: number }>(
  state: AccessState,
  event: AccessEvent,
  context: AccessContext<R>,
): AccessStep => {
  switch (event.tag) {
    case "written":
      return written(state, event, context);
    case "due": {
      if (state.tag !== "reporting") return { state, effects: [] };
      const [id, ...left] = state.left;
      if (id === undefined) return result(ACCESS_OP.REPORT, ACCESS_RESULT.SUCCESS);
      return { state: { tag: "reporting", left }, effects: [{ tag: "push", id }] };
    }
    case "answered":
      return { state: IDLE, effects: [] };
  }
};
