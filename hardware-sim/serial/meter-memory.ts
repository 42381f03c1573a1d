import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { MAX_MEASUREMENTS } from "./line-scale.ts";
import type { SerialMeasurement, TrueValue } from "./measurement.ts";
import type { LineOutcome } from "./serial-line.ts";
import type { MeterCore } from "./serial-meter.ts";

/** A record in a meter, with the time that the meter's clock showed. */
export interface MeterRecord<R> {
  readonly measurement: SerialMeasurement;
  readonly shownMs: number;
  readonly result: R;
}

/** A meter's memory: reading does not empty it, and the oldest records give way. */
export interface MeterMemory<R> {
  /** Ground truth: everything ever measured. A record is `waiting` until it went out once as it should. */
  readonly measurements: readonly SerialMeasurement[];
  readonly oldestFirst: readonly MeterRecord<R>[];
  readonly newestFirst: readonly MeterRecord<R>[];
  store(result: R, values: readonly TrueValue[], shownMs: number): SerialMeasurement;
  /** These bytes went out for a record. */
  told(record: MeterRecord<R>, bytes: Uint8Array, outcome: LineOutcome): void;
  erase(): void;
}

/** Forms in which one record may be sent; a meter sends the same each time, save for a number that moves on. */
const MAX_FORMS = 64;

export const createMeterMemory = <R>(capacity: number, clock: Clock): MeterMemory<R> => {
  const measurements: SerialMeasurement[] = [];
  let held: MeterRecord<R>[] = [];

  const lose = ({ measurement }: MeterRecord<R>): void => {
    if (measurement.delivery === "waiting") measurement.delivery = "unheard";
  };

  return {
    measurements,
    get oldestFirst() {
      return held;
    },
    get newestFirst() {
      return held.toReversed();
    },
    store: (result, values, shownMs) => {
      if (measurements.length >= MAX_MEASUREMENTS) throw new RangeError("meter: more measurements than it remembers");
      const measurement: SerialMeasurement = {
        number: measurements.length + 1,
        values,
        sent: [],
        measuredAt: clock.elapsed(),
        delivery: "waiting",
        lastByteAt: null,
      };
      measurements.push(measurement);
      held.push({ measurement, shownMs, result });
      for (const pushedOut of held.splice(0, Math.max(0, held.length - capacity))) lose(pushedOut);
      return measurement;
    },
    told: ({ measurement }, bytes, { heard, disturbed }) => {
      if (!heard) return;
      const hex = toHex(bytes);
      if (!measurement.sent.includes(hex) && measurement.sent.length < MAX_FORMS) measurement.sent.push(hex);
      measurement.lastByteAt = clock.elapsed();
      // A meter speaks only when it is spoken to: what a hub discards as it opens the port came before its command.
      if (!disturbed && measurement.delivery === "waiting") measurement.delivery = "sent";
    },
    erase: () => {
      held.forEach(lose);
      held = [];
    },
  };
};

/** Bytes for the hub, and the record that they tell where they tell one. */
export interface Reply<R> {
  readonly bytes: Uint8Array;
  readonly record?: MeterRecord<R>;
}

/** Sends replies in order, and keeps the truth about the records in them. */
export const repliesTo =
  <R>(core: MeterCore, memory: MeterMemory<R>) =>
  (replies: Iterable<Reply<R>>): void => {
    for (const { bytes, record } of replies) {
      core.say(bytes, (outcome) => {
        if (record !== undefined) memory.told(record, bytes, outcome);
      });
    }
  };
