import { hash } from "node:crypto";
import type { AssignmentId, Idem, ReadingId } from "./ids.ts";
import type { ReadingValue } from "./reading.ts";
import { URL_NAMESPACE, uuidNamespace, uuidV5 } from "./uuid.ts";

/**
 * What makes two transmissions the same measurement (design protocol.md, rule on idem). `when` is the sensor's raw
 * time, or for a sensor without a clock the hub's boot id and a counter that is fixed before the reading is stored.
 * Corrected time is never part of it: the same stored record read twice must stay one reading.
 */
export interface IdemParts {
  readonly assignment: AssignmentId;
  /**
   * The enrolled identity of the sensor: what the hub knows before the sensor has told anything, and what stays the same
   * when it tells less the next time (docs/decisions/2026-11-22-idem.md). `ble:<identity address>` or `serial:<sensor>`.
   */
  readonly device: string;
  readonly values: readonly ReadingValue[];
  readonly supplemental: readonly number[];
  readonly when: { readonly deviceRaw: string } | { readonly bootId: string; readonly counter: number };
  readonly durationMs: number | null;
  readonly deviceSequence: number | null;
}

/** Namespace of reading ids: the UUID of the name `hemhub.reading.1` in the URL namespace. */
const NAMESPACE = uuidNamespace(uuidV5(URL_NAMESPACE, "hemhub.reading.1"));

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
  return `sha256:${hash("sha256", text, "hex")}` as Idem;
};

/** The reading id that belongs to an idem. */
export const readingIdOf = (idem: Idem): ReadingId => uuidV5(NAMESPACE, idem) as ReadingId;
