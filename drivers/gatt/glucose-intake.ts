import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { Received } from "../../protocol/ports/transport.ts";
import { decodeGlucose, type GlucoseRecord } from "../decode/glucose.ts";
import { CARESENS_KETONE_MEAL, decodeGlucoseContext, type GlucoseContextRecord } from "../decode/glucose-context.ts";
import type { GlucoseResult } from "../normalise/glucose.ts";
import { bothOf, type GattIntake, type IntakeStep, joinedBytes, NOTHING, refusedOf } from "./intake.ts";

export const MEASUREMENT: ChannelId = channelId("2a18");
export const CONTEXT: ChannelId = channelId("2a34");

/** Measurements that wait for a context, and contexts for a measurement. Meters send the two one after the other. */
const MAX_WAITING = 32;

interface Waiting<R> {
  readonly record: R;
  readonly received: Received;
}

/** The one that has waited longest, taken off the map, where there are more than may wait. */
const overdue = <R>(waiting: Map<number, Waiting<R>>): Waiting<R> | null => {
  const [oldest] = waiting;
  if (oldest === undefined || waiting.size <= MAX_WAITING) return null;
  waiting.delete(oldest[0]);
  return oldest[1];
};

/**
 * Joins a measurement (2A18) and the context (2A34) of its sequence number, in whichever order they come. A measurement
 * that announces a context waits for it until the meter has told everything, or until 32 wait; then it goes without,
 * flagged. Where the link breaks it stays in the meter, which has it still: published without its context it would be
 * the same reading as with it, and the context would be lost.
 *
 * `marksKetone`: the meter says by a reserved meal that the value is ketone. There is no checked code for that, so it is
 * kept and not published, and never called glucose.
 */
export const createGlucoseIntake = (marksKetone: boolean): GattIntake<GlucoseResult> => {
  const measurements = new Map<number, Waiting<GlucoseRecord>>();
  const contexts = new Map<number, Waiting<GlucoseContextRecord>>();

  const result = (
    { record: measurement, received }: Waiting<GlucoseRecord>,
    context: Waiting<GlucoseContextRecord> | null,
  ): IntakeStep<GlucoseResult> => {
    const record: GlucoseResult = { measurement, context: context?.record ?? null, isContextVital: false };
    const raw = context === null ? received.bytes : joinedBytes(received.bytes, context.received.bytes);
    const at = context === null || context.received.at.monoMs < received.at.monoMs ? received.at : context.received.at;
    const isKetone = marksKetone && context?.record.meal === CARESENS_KETONE_MEAL;
    if (isKetone) {
      const detail = "ketone, for which there is no checked code";
      return { taken: [], refused: [{ source: MEASUREMENT, raw, at, reason: "unsupported", detail, record }] };
    }
    const isContextVital = marksKetone && measurement.contextFollows;
    return { taken: [{ record: { ...record, isContextVital }, source: MEASUREMENT, raw, at }], refused: [] };
  };

  const orphan = ({ received }: Waiting<GlucoseContextRecord>): IntakeStep<never> =>
    refusedOf(received, "format", "glucose measurement context: there is no measurement of its number");

  const onMeasurement = (received: Received): IntakeStep<GlucoseResult> => {
    const decoded = decodeGlucose(received.bytes);
    if (decoded.tag === "malformed") return refusedOf(received, decoded.reason, decoded.detail);
    const { record } = decoded;
    const context = contexts.get(record.sequence) ?? null;
    contexts.delete(record.sequence);
    if (context !== null || !record.contextFollows) return result({ record, received }, context);
    measurements.set(record.sequence, { record, received });
    const first = overdue(measurements);
    return first === null ? NOTHING : result(first, null);
  };

  const onContext = (received: Received): IntakeStep<GlucoseResult> => {
    const decoded = decodeGlucoseContext(received.bytes);
    if (decoded.tag === "malformed") return refusedOf(received, decoded.reason, decoded.detail);
    const { record } = decoded;
    const measurement = measurements.get(record.sequence);
    measurements.delete(record.sequence);
    if (measurement !== undefined) return result(measurement, { record, received });
    contexts.set(record.sequence, { record, received });
    const first = overdue(contexts);
    return first === null ? NOTHING : orphan(first);
  };

  return {
    push: (received) => (received.channel === CONTEXT ? onContext(received) : onMeasurement(received)),
    settle: (pause) => {
      const steps: IntakeStep<GlucoseResult>[] = [];
      if (pause !== "lost") {
        for (const one of measurements.values()) steps.push(result(one, null));
        for (const one of contexts.values()) steps.push(orphan(one));
      }
      measurements.clear();
      contexts.clear();
      return steps.reduce<IntakeStep<GlucoseResult>>(bothOf, NOTHING);
    },
  };
};
