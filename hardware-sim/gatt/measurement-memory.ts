import type { EpochMs } from "../../protocol/time.ts";

/** Ground truth about one measurement: what the sensor measured and what became of it on the sensor's side. */
export interface Measured<V> {
  /** 1, 2, 3 ... per sensor. */
  readonly id: number;
  readonly values: V;
  readonly characteristic: string;
  /** The exact value that every indication of it carries; of the first one where it takes several. */
  readonly valueHex: string;
  /** The exact values of its further indications, in order; empty where one holds it. */
  readonly followingHex: readonly string[];
  /** True time, whatever the sensor's clock showed. */
  readonly takenAt: EpochMs;
  /** `YYYY-MM-DDTHH:mm:ss` as sent, null where the sensor has no clock. */
  readonly deviceTime: string | null;
  /** How many indications of it left the sensor, and when the last one did. */
  readonly sent: number;
  readonly sentAt: EpochMs | null;
  /** When the central confirmed it; the sensor has then forgotten it. */
  readonly confirmedAt: EpochMs | null;
  /** Pushed out of a full memory before anybody had it. */
  readonly overwritten: boolean;
}

type Changing<T> = { -readonly [K in keyof T]: T[K] };

export interface MeasurementMemory<V> {
  /** Everything ever measured, in order. */
  readonly truth: readonly Measured<V>[];
  readonly waiting: number;
  store(
    measurement: Pick<
      Measured<V>,
      "values" | "characteristic" | "valueHex" | "followingHex" | "takenAt" | "deviceTime"
    >,
  ): Measured<V>;
  oldest(): Measured<V> | null;
  markSent(id: number, at: EpochMs): void;
  confirm(id: number, at: EpochMs): void;
}

/** A sensor's memory: at most `capacity` measurements wait, and the oldest give way. */
export const createMeasurementMemory = <V>(capacity: number): MeasurementMemory<V> => {
  const truth: Changing<Measured<V>>[] = [];
  let waiting: Changing<Measured<V>>[] = [];

  return {
    truth,
    get waiting() {
      return waiting.length;
    },
    store: (measurement) => {
      const record: Changing<Measured<V>> = {
        ...measurement,
        id: truth.length + 1,
        sent: 0,
        sentAt: null,
        confirmedAt: null,
        overwritten: false,
      };
      truth.push(record);
      waiting.push(record);
      while (waiting.length > capacity) {
        const pushedOut = waiting.shift();
        if (pushedOut !== undefined) pushedOut.overwritten = true;
      }
      return record;
    },
    oldest: () => waiting[0] ?? null,
    markSent: (id, at) => {
      const record = truth[id - 1];
      if (record === undefined) return;
      record.sent += 1;
      record.sentAt = at;
    },
    confirm: (id, at) => {
      const record = truth[id - 1];
      if (record === undefined) return;
      record.confirmedAt = at;
      waiting = waiting.filter((one) => one !== record);
    },
  };
};
