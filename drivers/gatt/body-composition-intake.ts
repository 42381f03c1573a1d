import type { Received } from "../../protocol/ports/transport.ts";
import { type BodyCompositionRecord, decodeBodyComposition } from "../decode/body-composition.ts";
import type { BodyCompositionMeasured } from "../normalise/body-composition.ts";
import { bothOf, type GattIntake, type IntakeStep, joinedBytes, NOTHING, refusedOf } from "./intake.ts";

/** Fields of which a measurement has one each; flags and fat percentage are in both of its packets. */
const FIELDS = [
  "time",
  "userId",
  "basalMetabolismKJ",
  "musclePercent",
  "muscleMass",
  "fatFreeMass",
  "softLeanMass",
  "bodyWaterMass",
  "impedanceOhm",
  "weight",
  "height",
] as const satisfies readonly (keyof BodyCompositionRecord)[];

interface Half {
  readonly record: BodyCompositionRecord;
  readonly received: Received;
}

const isAlike = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Two packets are of one measurement where they do not contradict each other. */
const doFit = (first: BodyCompositionRecord, second: BodyCompositionRecord): boolean =>
  first.unit === second.unit &&
  isAlike(first.bodyFatPercent, second.bodyFatPercent) &&
  FIELDS.every((field) => first[field] === null || second[field] === null || isAlike(first[field], second[field])) &&
  FIELDS.some((field) => first[field] === null && second[field] !== null);

const joined = (first: BodyCompositionRecord, second: BodyCompositionRecord): BodyCompositionMeasured => {
  const missing = Object.fromEntries(
    FIELDS.filter((field) => first[field] === null).map((field) => [field, second[field]]),
  );
  return {
    ...first,
    ...missing,
    multiplePacket: false,
    reservedFlags: first.reservedFlags | second.reservedFlags,
    trailing: first.trailing + second.trailing,
    isHalf: false,
  };
};

const taken = (record: BodyCompositionMeasured, raw: Uint8Array, { channel, at }: Received) => ({
  taken: [{ record, source: channel, raw, at }],
  refused: [],
});

/**
 * Joins the two values that a measurement takes where one packet does not hold it (BCS 1.0 section 3.2.1.1, bit 12). The
 * first has to be confirmed for the second to come, so it is held in memory for that long. Where the link breaks in
 * between the scale sends both again and the first is kept for the technician; where the link stands and no second
 * comes, the first is a reading of its own, marked incomplete.
 */
export const createBodyCompositionIntake = (): GattIntake<BodyCompositionMeasured> => {
  let half: Half | null = null;
  /** The second packet of the measurement before: a scale that misses a confirmation repeats it. */
  let repeated: Uint8Array | null = null;

  const alone = (): IntakeStep<BodyCompositionMeasured> => {
    if (half === null) return NOTHING;
    const { record, received } = half;
    half = null;
    return taken({ ...record, isHalf: true }, received.bytes, received);
  };

  return {
    push: (received) => {
      const decoded = decodeBodyComposition(received.bytes);
      if (decoded.tag === "malformed") return bothOf(alone(), refusedOf(received, decoded.reason, decoded.detail));
      const { record } = decoded;
      const isRepeated = repeated !== null && isAlike([...repeated], [...received.bytes]);
      repeated = null;
      if (isRepeated && half === null) return NOTHING;
      if (!record.multiplePacket) return bothOf(alone(), taken({ ...record, isHalf: false }, received.bytes, received));
      if (half === null) {
        half = { record, received };
        return NOTHING;
      }
      const first = half;
      if (isAlike([...first.received.bytes], [...received.bytes])) return NOTHING;
      if (doFit(first.record, record)) {
        half = null;
        repeated = received.bytes;
        return taken(joined(first.record, record), joinedBytes(first.received.bytes, received.bytes), received);
      }
      const left = alone();
      half = { record, received };
      return left;
    },
    settle: (pause) => {
      if (half === null || pause !== "lost") return alone();
      const { received } = half;
      half = null;
      return refusedOf(received, "truncated", "body composition measurement: its second packet did not come");
    },
  };
};
