import { le16, octets } from "../radio/little-endian.ts";
import { dateTime, type LocalDateTime } from "./date-time.ts";

export interface WeightValues {
  /** In the given unit; null: the scale could not measure. */
  readonly weight: number | null;
  /** Default kg. Height is in metres or in inches with it. */
  readonly unit?: "kg" | "lb";
  /** 0 to 254; 255 is an unknown user. */
  readonly user?: number;
  readonly bmiAndHeight?: { readonly bmi: number; readonly height: number };
}

const FLAG = { IMPERIAL: 0x01, TIME: 0x02, USER: 0x04, BMI_AND_HEIGHT: 0x08 } as const;

/** Weight Scale Service 1.0.1, 3.2.1: resolutions of weight, and of height. */
const RESOLUTION = { kg: { weight: 0.005, height: 0.001 }, lb: { weight: 0.01, height: 0.1 } } as const;
const BMI_RESOLUTION = 0.1;
const UNSUCCESSFUL = 0xffff;

const steps = (what: string, value: number, resolution: number): readonly number[] => {
  const count = Math.round(value / resolution);
  if (count < 0 || count >= UNSUCCESSFUL) throw new RangeError(`${what} ${value}: 0 to ${resolution * 65_534}`);
  return le16(count);
};

/** Weight Measurement, characteristic 2A9D. */
export const weightMeasurement = (values: WeightValues, at: LocalDateTime | null): Uint8Array => {
  const { weight, user, bmiAndHeight, unit = "kg" } = values;
  const resolution = RESOLUTION[unit];
  return octets(
    (unit === "lb" ? FLAG.IMPERIAL : 0) |
      (at === null ? 0 : FLAG.TIME) |
      (user === undefined ? 0 : FLAG.USER) |
      (bmiAndHeight === undefined ? 0 : FLAG.BMI_AND_HEIGHT),
    weight === null ? le16(UNSUCCESSFUL) : steps("weight", weight, resolution.weight),
    at === null ? [] : dateTime(at),
    user === undefined ? [] : [user],
    bmiAndHeight === undefined
      ? []
      : [...steps("BMI", bmiAndHeight.bmi, BMI_RESOLUTION), ...steps("height", bmiAndHeight.height, resolution.height)],
  );
};
