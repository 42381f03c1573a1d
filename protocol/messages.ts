import { HubError, messageOf } from "./errors.ts";
import type { HubId, Seq } from "./ids.ts";
import type { Reading } from "./reading.ts";
import type { HubClockState } from "./time.ts";

/** Content type of every payload: UTF-8 JSON. */
export const CONTENT_TYPE = "application/json";

/** Topic `reading`, hub to region. */
export interface ReadingBatch {
  /** Which series of numbers (Outbox.series) the readings are numbered in. */
  readonly series: string;
  readonly batch: readonly Reading[];
}

/**
 * Topic `receipt`, region to hub: the region has accounted for every sequence number up to and including `through`,
 * except those in `missing`, and refuses those in `refused`. `through` 0 accounts for nothing. A hub may delete what is
 * receipted; it keeps and reports what is refused; it sends again what is missing.
 */
export interface Receipt {
  /**
   * The series of numbers that it speaks of, as the hub named it; null where the region does not say. A hub ignores a
   * receipt for another series than its own: those numbers were other readings.
   */
  readonly series: string | null;
  readonly through: Seq | 0;
  readonly refused: readonly { readonly seq: Seq; readonly reason: string }[];
  /** Inclusive ranges within 1..through. */
  readonly missing: readonly (readonly [from: Seq, to: Seq])[];
}

/** Topic `state`, retained; also the last will (`online: false`). */
export interface HubState {
  readonly schema: "state/1";
  readonly hubId: HubId;
  readonly online: boolean;
  /** ISO 8601 UTC, null while the clock is not trusted. A last will carries the time of its connection. */
  readonly at: string | null;
  readonly bootId: string;
  readonly versions: { readonly hub: string; readonly node: string };
  readonly clock: { readonly state: HubClockState; readonly errorMs: number | null };
  readonly backlog: { readonly waiting: number; readonly refused: number; readonly oldestSeq: number | null };
  /** `renewal`: where it stands, for a person; left out where there is nothing to say. */
  readonly certificate: { readonly notAfter: string; readonly renewal?: string } | null;
  readonly health: {
    readonly uptimeS: number;
    readonly rssMb: number;
    readonly loopLagMs: number;
    readonly sensors: { readonly configured: number; readonly ready: number };
  } | null;
}

/** Topic `event`, hub to region: something a person should know. `detail` carries no value and no identity. */
export interface HubEvent {
  readonly schema: "event/1";
  readonly code: EventCode;
  readonly severity: "info" | "warning" | "alarm";
  readonly at: string | null;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export type EventCode =
  | "unknown-sensor"
  /** A sensor of this home is of a model that was withdrawn: it is not read any more. */
  | "sensor-withdrawn"
  /** Another sensor answers in the place of the enrolled one: its readings are set aside until somebody looks. */
  | "sensor-mismatch"
  /** A sensor's firmware is not one that its certificate is about: its readings are `questionable`. */
  | "sensor-firmware"
  /** The catalogue that the configuration names is damaged, and the shipped one stands in. */
  | "catalogue-fault"
  | "bond-lost"
  | "clock-fault"
  | "buffer-high"
  | "reading-refused"
  | "reading-quarantined"
  /** Measured before a hand-over, or perhaps: delivered as nobody's. */
  | "reading-unassigned"
  /** From now on readings are of another assignment; or what the former one left is delivered. */
  | "assignment-changed"
  | "command-done"
  /** Forged, replayed, for another hub, or not to be carried out as things are. */
  | "command-refused"
  | "data-erased"
  /** The hub's certificate ends soon or has ended, or the broker refuses a new one; recovered: it was renewed. */
  | "certificate-fault"
  | "malformed-data"
  | "storage-fault"
  /** The hub process itself: it crashed again and again, stood still, or runs out of open files. */
  | "hub-fault"
  | "release-installed"
  /** A release did not prove itself here, and the one before runs again. */
  | "release-rolled-back"
  /** It does not fit this hub, or was taken back here before. */
  | "release-refused"
  | "adapter-fault"
  | "serial-fault";

export const encodeMessage = (message: ReadingBatch | Receipt | HubState | HubEvent): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(message));

const isSeqNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Parse a receipt payload. Throws HubError `invalid-argument` that says what was found. */
export const parseReceipt = (payload: Uint8Array): Receipt => {
  const bad = (found: string): HubError =>
    new HubError("invalid-argument", `receipt from the region: ${found}; ignored, readings are kept`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (thrown) {
    throw bad(`not JSON (${messageOf(thrown)})`);
  }
  if (typeof parsed !== "object" || parsed === null) throw bad("not an object");
  const { series = null, through, refused = [], missing = [] } = parsed as Record<string, unknown>;
  if (series !== null && typeof series !== "string") throw bad("`series` is not a text");
  if (!isSeqNumber(through)) throw bad("`through` is not a sequence number");
  if (!Array.isArray(refused) || !Array.isArray(missing)) throw bad("`refused` and `missing` must be lists");
  for (const item of refused as { seq?: unknown; reason?: unknown }[]) {
    if (!isSeqNumber(item?.seq) || item.seq < 1 || typeof item.reason !== "string") {
      throw bad("`refused` needs {seq, reason}");
    }
  }
  for (const range of missing as unknown[]) {
    const [from, to, ...more] = Array.isArray(range) ? (range as unknown[]) : [];
    if (!isSeqNumber(from) || !isSeqNumber(to) || more.length > 0 || from < 1 || from > to) {
      throw bad("`missing` needs [from, to] ranges");
    }
  }
  return { series, through, refused, missing } as unknown as Receipt;
};
