import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { deliveryOf, type SerialMeasurement } from "./measurement.ts";
import type { EncodedLine } from "./scale-lines.ts";
import type { SerialLine } from "./serial-line.ts";

/** Most measurements that one simulated sensor remembers; a busy day has a few thousand. */
export const MAX_MEASUREMENTS = 100_000;

/**
 * A scale that prints one line when the weight is stable, and forgets it: no memory, no acknowledgement, as the
 * A&D and Tanita manuals have it ("the receiving side must always be ready"). So a line that nobody listened to, or
 * that arrived spoiled, is not the hub's to deliver.
 */
export interface LineScale {
  readonly measurements: readonly SerialMeasurement[];
  /** Somebody steps on: `before` goes out first (lines that are no measurement, such as unstable weights). */
  step(line: EncodedLine, before?: readonly Uint8Array[]): Promise<SerialMeasurement>;
}

export const createLineScale = (line: SerialLine, clock: Clock): LineScale => {
  const measurements: SerialMeasurement[] = [];
  return {
    measurements,
    step: async ({ bytes, values }, before = []) => {
      if (measurements.length >= MAX_MEASUREMENTS)
        throw new RangeError("line scale: more measurements than it remembers");
      const measurement: SerialMeasurement = {
        number: measurements.length + 1,
        values,
        sent: [toHex(bytes)],
        measuredAt: clock.elapsed(),
        delivery: "unheard",
        lastByteAt: null,
      };
      measurements.push(measurement);
      for (const one of before) await line.send(one);
      measurement.delivery = deliveryOf(await line.send(bytes));
      if (measurement.delivery !== "unheard") measurement.lastByteAt = clock.elapsed();
      return measurement;
    },
  };
};
