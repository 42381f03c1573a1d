import { toHex } from "../../protocol/bytes.ts";
import type { EpochMs } from "../../protocol/time.ts";
import { MAX_TRUTH } from "./record-memory.ts";

/** Ground truth about one value of a stream: there is no memory, so who does not listen does not get it. */
export interface StreamedValue<V> {
  /** 1, 2, 3 ... per stream. */
  readonly id: number;
  readonly values: V;
  readonly characteristic: string;
  readonly valueHex: string;
  readonly takenAt: EpochMs;
  /** Whether a central was there that had asked for it. */
  readonly heard: boolean;
}

export interface ValueStream<V> {
  readonly truth: readonly StreamedValue<V>[];
  /** Notify `value` now. */
  push(values: V, value: Uint8Array, at: EpochMs): StreamedValue<V>;
}

/** `notify` tells whether somebody listened. */
export const createValueStream = <V>(
  characteristic: string,
  notify: (characteristic: string, value: Uint8Array) => boolean,
): ValueStream<V> => {
  const truth: StreamedValue<V>[] = [];
  return {
    truth,
    push: (values, value, at) => {
      if (truth.length >= MAX_TRUTH) throw new RangeError("sensor: more values than its truth keeps");
      const streamed: StreamedValue<V> = {
        id: truth.length + 1,
        values,
        characteristic,
        valueHex: toHex(value),
        takenAt: at,
        heard: notify(characteristic, value),
      };
      truth.push(streamed);
      return streamed;
    },
  };
};
