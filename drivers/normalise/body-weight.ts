import { codeOf } from "../../protocol/codes.ts";
import type { Quality } from "../../protocol/reading.ts";
import type { WeightRecord } from "../decode/weight.ts";
import { absentValue, measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const WEIGHT = codeOf("body-weight");
const HEIGHT = codeOf("body-height");
const BMI = codeOf("bmi");

/** "Unknown user" (WSS 1.0.1 section 3.2.1.4): somebody who did not say who they are stood on the scale. */
const UNKNOWN_USER = 255;

/** A weight, in kg or pounds as sent, with BMI and height where the scale knows its user. */
export const bodyWeight = (record: WeightRecord): Measurement => {
  const { unit, weight, bmi, height, userId } = record;
  const values = [weight === null ? absentValue(WEIGHT, "error") : measured(WEIGHT, weight, unit)];
  if (bmi !== null) values.push(measured(BMI, bmi, "kg/m2"));
  if (height !== null) values.push(measured(HEIGHT, height, record.heightUnit));

  const quality: Quality[] = [];
  if (record.reservedFlags !== 0 || record.trailing > 0) quality.push("questionable");
  if (userId === UNKNOWN_USER) quality.push("unconfirmed");

  return {
    kind: "body-weight",
    status: weight === null ? "not-performed" : "final",
    values,
    supplemental: [],
    context: userId === null || userId === UNKNOWN_USER ? {} : { userSlot: userId },
    flags: [],
    quality,
    time: record.time,
  };
};
