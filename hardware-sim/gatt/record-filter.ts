import { createFieldReader, type FieldReader } from "../radio/little-endian.ts";
import { localMs, readDateTime } from "./date-time.ts";
import { ACCESS_OPERATOR, ACCESS_RESULT } from "./record-access-codes.ts";

/** How a filter type reads one value of its operand, and what of a record it compares with that. */
export interface RecordFilter<R> {
  /** Null where the value makes no sense. Throws RangeError where the octets end early. */
  read(fields: FieldReader): number | null;
  of(record: R): number;
}

/** What a sensor's control point can do. */
export interface AccessCapabilities<R> {
  readonly operations: ReadonlySet<number>;
  readonly operators: ReadonlySet<number>;
  /** By filter type, the first octet of an operand. */
  readonly filters: ReadonlyMap<number, RecordFilter<R>>;
}

export type SelectionOutcome<R> =
  | { readonly tag: "selected"; readonly records: readonly R[] }
  | { readonly tag: "refused"; readonly result: number };

const refused = (result: number): SelectionOutcome<never> => ({ tag: "refused", result });

export const numberFilter = <R>(of: (record: R) => number): RecordFilter<R> => ({ read: (fields) => fields.u16(), of });

/** User facing time: seven octets of Date Time; a field that is unknown (0) selects nothing sensible. */
export const timeFilter = <R>(of: (record: R) => number): RecordFilter<R> => ({
  read: (fields) => {
    const at = readDateTime(fields);
    return at.year === 0 || at.month === 0 || at.day === 0 ? null : localMs(at);
  },
  of,
});

/** How many values the operand of an operator holds. */
const valuesOf = (operator: number): number => {
  if (operator === ACCESS_OPERATOR.RANGE) return 2;
  return operator === ACCESS_OPERATOR.LESS_OR_EQUAL || operator === ACCESS_OPERATOR.GREATER_OR_EQUAL ? 1 : 0;
};

/** Lowest and highest value of an operand; null where it is malformed. */
const boundsFrom = <R>(
  operator: number,
  filter: RecordFilter<R>,
  operand: Uint8Array,
): readonly [number, number] | null => {
  const fields = createFieldReader(operand.subarray(1));
  try {
    const first = filter.read(fields);
    const second = operator === ACCESS_OPERATOR.RANGE ? filter.read(fields) : first;
    if (first === null || second === null || fields.left > 0 || first > second) return null;
    if (operator === ACCESS_OPERATOR.LESS_OR_EQUAL) return [Number.NEGATIVE_INFINITY, first];
    return [first, operator === ACCESS_OPERATOR.RANGE ? second : Number.POSITIVE_INFINITY];
  } catch (thrown) {
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
};

/** The records, oldest first, that operator and operand name. `records` are oldest first. */
export const selectRecords = <R>(
  operator: number,
  operand: Uint8Array,
  records: readonly R[],
  { operators, filters }: AccessCapabilities<R>,
): SelectionOutcome<R> => {
  if (operator === ACCESS_OPERATOR.NULL) return refused(ACCESS_RESULT.INVALID_OPERATOR);
  if (!operators.has(operator)) return refused(ACCESS_RESULT.OPERATOR_NOT_SUPPORTED);
  if (valuesOf(operator) === 0) {
    if (operand.length > 0) return refused(ACCESS_RESULT.INVALID_OPERAND);
    if (operator === ACCESS_OPERATOR.FIRST) return { tag: "selected", records: records.slice(0, 1) };
    return { tag: "selected", records: operator === ACCESS_OPERATOR.LAST ? records.slice(-1) : records };
  }
  if (operand.length === 0) return refused(ACCESS_RESULT.INVALID_OPERAND);
  const filter = filters.get(operand[0] ?? 0);
  if (filter === undefined) return refused(ACCESS_RESULT.OPERAND_NOT_SUPPORTED);
  const bounds = boundsFrom(operator, filter, operand);
  if (bounds === null) return refused(ACCESS_RESULT.INVALID_OPERAND);
  const [lowest, highest] = bounds;
  return {
    tag: "selected",
    records: records.filter((record) => filter.of(record) >= lowest && filter.of(record) <= highest),
  };
};
