import { type Decoded, decoded, malformed } from "../driver.ts";
import { DATE_TIME_LENGTH, type DateTime, dateTimeAt } from "./date-time.ts";
import { tooLong, tooShort, u8, u16, u32 } from "./field.ts";

/** Which records a request means, by the value of one field of theirs (GLS 1.0.1 section 3.4.2). */
export type RecordFilter =
  | { readonly type: "sequence"; readonly minimum: number | null; readonly maximum: number | null }
  | { readonly type: "time"; readonly minimum: DateTime | null; readonly maximum: DateTime | null };

/**
 * Record Access Control Point, 0x2A52 (GLS 1.0.1 section 3.4; CGMS 1.0.1 section 3.7): a request of the hub, or what the
 * sensor indicates in answer.
 */
export type RecordAccess =
  | {
      readonly tag: "request";
      /** 1 report, 2 delete, 3 abort, 4 report the number. */
      readonly opcode: 1 | 2 | 3 | 4;
      /** 0 none, 1 all, 2 at most, 3 at least, 4 range, 5 first, 6 last. */
      readonly operator: number;
      readonly filter: RecordFilter | null;
    }
  | { readonly tag: "count"; readonly opcode: 5; readonly operator: 0; readonly numberOfRecords: number }
  | {
      readonly tag: "response";
      readonly opcode: 6;
      readonly operator: 0;
      readonly requestOpcode: number;
      /** 1 success, 6 no records found (a success too), see `recordAccessResponse`. */
      readonly responseCode: number;
    };

const RESPONSES = [
  "reserved",
  "success",
  "opcode-not-supported",
  "invalid-operator",
  "operator-not-supported",
  "invalid-operand",
  "no-records-found",
  "abort-unsuccessful",
  "procedure-not-completed",
  "operand-not-supported",
] as const;

/** Name of a response code (GLS 1.0.1 table 3.12); `reserved` for any other. */
export const recordAccessResponse = (code: number): (typeof RESPONSES)[number] => RESPONSES[code] ?? "reserved";

const WHAT = "record access control point";

const countOf = (bytes: Uint8Array): Decoded<RecordAccess> => {
  const length = bytes.length - 2;
  // The services send 16 bits; profiles with larger stores send 32, some sensors 8.
  if (length !== 1 && length !== 2 && length !== 4) {
    return length < 1 ? tooShort(WHAT, 4, bytes.length) : malformed("format", `${WHAT}: a count of ${length} bytes`);
  }
  const numberOfRecords = length === 1 ? u8(bytes, 2) : length === 2 ? u16(bytes, 2) : u32(bytes, 2);
  return decoded({ tag: "count", opcode: 5, operator: 0, numberOfRecords });
};

const responseOf = (bytes: Uint8Array): Decoded<RecordAccess> => {
  if (bytes.length < 4) return tooShort(WHAT, 4, bytes.length);
  if (bytes.length > 4) return tooLong(WHAT, 4, bytes.length);
  return decoded({ tag: "response", opcode: 6, operator: 0, requestOpcode: u8(bytes, 2), responseCode: u8(bytes, 3) });
};

const filterOf = (bytes: Uint8Array, operator: number): Decoded<RecordFilter | null> => {
  const bounds = operator === 4 ? 2 : operator === 2 || operator === 3 ? 1 : 0;
  if (bounds === 0) return bytes.length === 2 ? decoded(null) : tooLong(WHAT, 2, bytes.length);
  if (bytes.length < 3) return tooShort(WHAT, 3 + bounds * 2, bytes.length);
  const type = u8(bytes, 2);
  if (type !== 1 && type !== 2) return malformed("format", `${WHAT}: filter type ${type}`);
  const width = type === 1 ? 2 : DATE_TIME_LENGTH;
  const needed = 3 + bounds * width;
  if (bytes.length < needed) return tooShort(WHAT, needed, bytes.length);
  if (bytes.length > needed) return tooLong(WHAT, needed, bytes.length);
  const lower = operator !== 2;
  const upper = operator !== 3;
  const last = 3 + (bounds - 1) * width;
  return decoded(
    type === 1
      ? { type: "sequence", minimum: lower ? u16(bytes, 3) : null, maximum: upper ? u16(bytes, last) : null }
      : { type: "time", minimum: lower ? dateTimeAt(bytes, 3) : null, maximum: upper ? dateTimeAt(bytes, last) : null },
  );
};

export const decodeRecordAccess = (bytes: Uint8Array): Decoded<RecordAccess> => {
  if (bytes.length < 2) return tooShort(WHAT, 2, bytes.length);
  const opcode = u8(bytes, 0);
  const operator = u8(bytes, 1);
  if (opcode === 1 || opcode === 2 || opcode === 4) {
    if (operator < 1 || operator > 6) return malformed("format", `${WHAT}: operator ${operator} in a request`);
    const filter = filterOf(bytes, operator);
    return filter.tag === "ok" ? decoded({ tag: "request", opcode, operator, filter: filter.record }) : filter;
  }
  if (opcode !== 3 && opcode !== 5 && opcode !== 6) return malformed("format", `${WHAT}: opcode ${opcode}`);
  if (operator !== 0) return malformed("format", `${WHAT}: operator ${operator} where none belongs`);
  if (opcode === 5) return countOf(bytes);
  if (opcode === 6) return responseOf(bytes);
  return bytes.length === 2
    ? decoded({ tag: "request", opcode, operator, filter: null })
    : tooLong(WHAT, 2, bytes.length);
};
