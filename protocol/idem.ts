import { createHash } from "node:crypto";
import { v5 as uuidV5 } from "uuid";
import type { AssignmentId, Idem, ReadingId } from "./ids.ts";
import type { ReadingValue } from "./reading.ts";

/**
 * What makes two transmissions the same measurement (design protocol.md, rule on idem). `when` is the sensor's raw
 * time, or for a sensor without a clock the hub's boot id and a counter that is fixed before the reading is stored.
 * Corrected time is never part of it: the same stored record read twice must stay one reading.
 */
export interface IdemParts {
  readonly assignment: AssignmentId;
  /** EUI-64, or `serial:<number>`, or `address:<address>`, in this order of preference. */
  readonly device: string;
  readonly values: readonly ReadingValue[];
  readonly supplemental: readonly number[];
  readonly when: { readonly deviceRaw: string } | { readonly bootId: string; readonly counter: number };
  readonly durationMs: number | null;
  readonly deviceSequence: number | null;
}

/** Namespace of reading ids: UUID v5 of the name `hemhub.reading.1` in the URL namespace (RFC 9562 section 6.6). */
const NAMESPACE = uuidV5("hemhub.reading.1", uuidV5.URL);

const valueText = (value: ReadingValue): string =>
  value.value === null
    ? `${value.mdc}=${value.absent}`
    : `${value.mdc}=${value.value.toFixed(Math.min(Math.max(value.decimals, 0), 20))}${value.unit}`;

/** sha256 over a canonical text of the parts; codes are sorted, so that the order of values does not matter. */
export const idemOf = (parts: IdemParts): Idem => {
  const when =
    "deviceRaw" in parts.when ? `raw ${parts.when.deviceRaw}` : `boot ${parts.when.bootId} ${parts.when.counter}`;
  const text = [
    "idem/1",
    parts.assignment,
    parts.device,
    when,
    parts.durationMs ?? "-",
    parts.deviceSequence ?? "-",
    parts.supplemental.toSorted((a, b) => a - b).join(","),
    parts.values.map(valueText).toSorted().join(";"),
  ].join("\n");
  return `sha256:${createHash("sha256").update(text).digest("hex")}` as Idem;
};

/** The reading id that belongs to an idem. */
export const readingIdOf = (idem: Idem): ReadingId => uuidV5(idem, NAMESPACE) as ReadingId;
