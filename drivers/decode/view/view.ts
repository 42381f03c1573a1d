import type { Decoded } from "../../driver.ts";
import { clockText, type DateTime, dateTimeFault, localOf } from "../date-time.ts";
import type { MedicalFloat } from "../float.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * What a person or a checker reads of bytes: plain JSON in the field names of tests/vectors/vectors.json. Bytes that are
 * no record are `{outcome: "error", reason, detail}`. Fields that the bytes do not carry are left out; a field that they
 * carry without a value is null.
 */
export type DecodedView = { readonly [key: string]: JsonValue };

/** A decoder and how its record is shown, as one function of bytes. */
export const shown =
  <R>(decode: (bytes: Uint8Array) => Decoded<R>, view: (record: R, bytes: Uint8Array) => DecodedView) =>
  (bytes: Uint8Array): DecodedView => {
    const result = decode(bytes);
    return result.tag === "ok"
      ? view(result.record, bytes)
      : { outcome: "error", reason: result.reason, detail: result.detail };
  };

/** `{[name]: value}`, or nothing where the value is null: the bytes do not carry that field. */
export const given = (name: string, value: JsonValue): DecodedView => (value === null ? {} : { [name]: value });

/** Date parts that are 0 are unknown, shown as null; `local` only where the whole date is known and possible. */
export const timeView = (time: DateTime): DecodedView => ({
  year: time.year === 0 ? null : time.year,
  month: time.month === 0 ? null : time.month,
  day: time.day === 0 ? null : time.day,
  time: clockText(time),
  local: localOf(time),
  ...given("outOfRange", dateTimeFault(time)),
});

export const timeField = (name: string, time: DateTime | null): DecodedView =>
  time === null ? {} : { [name]: timeView(time) };

/** The number, or null for a special value, which `floatFields` names beside it. */
export const numberOf = (float: MedicalFloat): number | null => (float.tag === "number" ? float.value : null);

/**
 * Several FLOATs of one record: each by its name, `decimals` with the precision of each number, and `special` with the
 * special value of each that is none. Fields that are null are left out.
 */
export const floatFields = (floats: Readonly<Record<string, MedicalFloat | null>>): DecodedView => {
  const values: Record<string, JsonValue> = {};
  const decimals: Record<string, number> = {};
  const special: Record<string, string> = {};
  for (const [name, float] of Object.entries(floats)) {
    if (float === null) continue;
    values[name] = numberOf(float);
    if (float.tag === "number") decimals[name] = float.decimals;
    else special[name] = float.special;
  }
  return {
    ...values,
    ...(Object.keys(decimals).length === 0 ? {} : { decimals }),
    ...(Object.keys(special).length === 0 ? {} : { special }),
  };
};

/** What a layout leaves over: reserved bits that are set, and bytes after the last field. Only where there is any. */
export const leftOver = (record: { readonly reservedFlags?: number; readonly trailing?: number }): DecodedView => ({
  ...(record.reservedFlags ? { reservedFlags: record.reservedFlags } : {}),
  ...(record.trailing ? { trailing: record.trailing } : {}),
});

/** User 255 is "unknown user" in the scale and blood pressure services: it is nobody's number. */
export const userField = (userId: number | null): DecodedView => {
  if (userId === null) return {};
  return userId === 255 ? { userId: null, userUnknown: true } : { userId };
};

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
