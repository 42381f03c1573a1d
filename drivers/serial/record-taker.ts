import type { Arrival } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import type { ReadingSink, SensorDriver, SessionContext } from "../driver.ts";
import { deviceOfCatalogue } from "../normalise/device.ts";
import { isTelling } from "../normalise/reading.ts";
import { type ClockPairs, pairFor } from "../normalise/timeline.ts";

/** A record as it came over the line. */
export interface TakenRecord<R> {
  readonly record: R;
  readonly raw: Uint8Array;
  readonly at: Arrival;
  /** What was known of the sensor's clock. */
  readonly pairs: ClockPairs;
  /** The sensor's own number where it has told it. */
  readonly serial?: string | null;
}

export interface RecordTakerOptions<R> {
  readonly driver: Pick<SensorDriver<R>, "id" | "version" | "normalise">;
  /** Name of the format in provenance. */
  readonly source: string;
  readonly timeOf: (record: R) => DateTime | null;
  readonly sink: ReadingSink;
  readonly context: SessionContext;
}

/**
 * Makes readings of records and gives them to `sink.take`, all of one call together. Resolves with how many they were,
 * when they are durable; rejects as the sink does, and then none of them counts as taken.
 */
export type RecordTaker<R> = (records: readonly TakenRecord<R>[]) => Promise<number>;

export const createRecordTaker = <R>(options: RecordTakerOptions<R>): RecordTaker<R> => {
  const { driver, source, timeOf, sink, context } = options;
  const { sensor, hub, zone } = context;
  const device = deviceOfCatalogue(sensor);
  return async (records) => {
    const drafts = [];
    for (const { record, raw, at, pairs, serial = null } of records) {
      const stamp = timeOf(record);
      const one = driver.normalise(record, {
        assignment: sensor.assignment,
        hub,
        device: serial === null ? device : { ...device, serial },
        address: sensor.id,
        driver,
        transport: "serial",
        source,
        raw,
        at,
        pair: pairFor(stamp, pairs, at.monoMs),
        counter: isTelling(stamp) ? 0 : await sink.nextCounter(),
        zone,
      });
      drafts.push(...one);
    }
    if (drafts.length > 0) await sink.take(drafts);
    return drafts.length;
  };
};
