import { codeOf } from "../../protocol/codes.ts";
import type { Quality, ReadingValue } from "../../protocol/reading.ts";
import type { BodyCompositionRecord } from "../decode/body-composition.ts";
import type { MedicalFloat } from "../decode/float.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const FAT = codeOf("body-fat");
const WEIGHT = codeOf("body-weight");
const HEIGHT = codeOf("body-height");

/** "Unknown user" (BCS 1.0 section 3.2.1.4). */
const UNKNOWN_USER = 255;

/** Whole, or the only half of two that came. */
export interface BodyCompositionMeasured extends BodyCompositionRecord {
  readonly isHalf: boolean;
}

const number = (key: string, float: MedicalFloat | null): Record<string, number> =>
  float?.tag === "number" ? { [key]: float.value } : {};

/**
 * What a scale with electrodes found. The checked code table has fat, weight and height; the rest has no checked code and
 * goes along as context, masses in the unit of the scale. "Measurement unsuccessful" leaves nothing of the values.
 */
export const bodyComposition = (record: BodyCompositionMeasured): Measurement => {
  const { bodyFatPercent, weight, height, userId, unit } = record;
  const isFailed = bodyFatPercent === null;
  const values: ReadingValue[] = [isFailed ? absentValue(FAT, "error") : measured(FAT, bodyFatPercent, "%")];
  if (!isFailed && weight !== null) values.push(measured(WEIGHT, weight, unit));
  if (!isFailed && height !== null) values.push(measured(HEIGHT, height, record.heightUnit));

  const quality: Quality[] = [];
  if (record.reservedFlags !== 0 || record.trailing > 0 || record.isHalf) quality.push("questionable");
  if (userId === UNKNOWN_USER) quality.push("unconfirmed");

  const masses = {
    ...number("muscleMass", record.muscleMass),
    ...number("fatFreeMass", record.fatFreeMass),
    ...number("softLeanMass", record.softLeanMass),
    ...number("bodyWaterMass", record.bodyWaterMass),
  };
  const more = {
    ...(record.basalMetabolismKJ === null ? {} : { basalMetabolismKJ: record.basalMetabolismKJ }),
    ...number("musclePercent", record.musclePercent),
    ...masses,
    ...(Object.keys(masses).length === 0 ? {} : { massUnit: unit }),
    ...number("impedanceOhm", record.impedanceOhm),
  };
  return {
    kind: "body-composition",
    status: isFailed ? "not-performed" : "final",
    values,
    supplemental: [],
    context: {
      ...(userId === null || userId === UNKNOWN_USER ? {} : { userSlot: userId }),
      ...(isFailed ? {} : more),
    },
    flags: record.isHalf ? ["incomplete"] : [],
    quality,
    time: record.time,
  };
};
