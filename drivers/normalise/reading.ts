import { toHex } from "../../protocol/bytes.ts";
import { idemOf, readingIdOf } from "../../protocol/idem.ts";
import type { DraftReading, Quality, ReadingDevice, ReadingKind, ReadingValue } from "../../protocol/reading.ts";
import type { DateTime } from "../decode/date-time.ts";
import { rawTextOf } from "../decode/date-time.ts";
import type { ReadingContext } from "../driver.ts";
import { madeMsOf } from "./manufacture.ts";
import { readingTime } from "./time.ts";
import type { Zones } from "./zone.ts";

/** What a quantity makes of a record; the rest of a reading comes from its context. */
export interface Measurement {
  readonly kind: ReadingKind;
  readonly status: DraftReading["status"];
  readonly values: readonly ReadingValue[];
  readonly supplemental: readonly number[];
  readonly context: DraftReading["context"];
  readonly flags: readonly string[];
  readonly quality: readonly Quality[];
  /** The sensor's own stamp, null where it sent none. */
  readonly time: DateTime | null;
  /** Minutes ahead of UTC that the sensor sent with its stamp; null: its time is the home's local time. */
  readonly offsetMin?: number | null;
  /** ISO day of the week (Monday 1) that the sensor sent with its stamp. */
  readonly weekday?: number | null;
  readonly durationMs?: number;
  /** The sensor's own number of the record: it tells two measurements of one minute apart. */
  readonly deviceSequence?: number | null;
  /** What the record itself says about its sensor, over what the session knows. */
  readonly device?: Partial<Pick<ReadingDevice, "model" | "serial">>;
}

/**
 * Longest time from a measurement to its reception. A sensor advertises for up to 30 s after it, an attempt to connect
 * takes up to 20 s, and encrypting and subscribing up to one GATT deadline of 10 s (drivers.md, radio policy 2, 3, 6). A
 * cable is at once.
 */
export const RECEPTION_DELAY: Readonly<Record<ReadingContext["transport"], number>> = { ble: 60_000, serial: 1000 };

/**
 * Whether a stamp tells two measurements apart. One without month or day repeats every day of a clock that was never
 * set, so it cannot: such a record is numbered by the hub instead (idem), and so is one without a stamp.
 */
export const isTelling = (time: DateTime | null): boolean => time !== null && time.month !== 0 && time.day !== 0;

/** The reading of one measurement, complete but for its sequence number. Pure. */
export const draftReading = (measurement: Measurement, context: ReadingContext, zones: Zones): DraftReading => {
  const { time, values, supplemental, quality } = measurement;
  const { at, driver, transport } = context;
  const device = measurement.device === undefined ? context.device : { ...context.device, ...measurement.device };
  const idem = idemOf({
    assignment: context.assignment,
    device: `${transport}:${context.address}`,
    values,
    supplemental,
    when:
      time !== null && isTelling(time)
        ? { deviceRaw: rawTextOf(time) }
        : { bootId: at.bootId, counter: context.counter },
    durationMs: measurement.durationMs ?? null,
    deviceSequence: measurement.deviceSequence ?? null,
  });
  return {
    schema: "reading/1",
    id: readingIdOf(idem),
    idem,
    kind: measurement.kind,
    assignment: context.assignment,
    status: measurement.status,
    replaces: null,
    values,
    supplemental,
    context: measurement.context,
    flags: measurement.flags,
    quality,
    time: readingTime({
      device: time,
      offsetMin: measurement.offsetMin ?? null,
      weekday: measurement.weekday ?? null,
      durationMs: measurement.durationMs ?? 0,
      receptionDelayMs: RECEPTION_DELAY[transport],
      at,
      pair: context.pair,
      zone: zones.zone(context.zone),
      isStored: quality.includes("stored"),
      madeMs: madeMsOf(device.udi),
    }),
    device,
    provenance: {
      hubId: context.hub.id,
      hubVersion: context.hub.version,
      driver: `${driver.id}@${driver.version}`,
      transport,
      source: context.source,
      rawHex: toHex(context.raw),
    },
  };
};
