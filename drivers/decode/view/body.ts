import { decodeBodyComposition } from "../body-composition.ts";
import { decodeWeight } from "../weight.ts";
import { floatFields, given, leftOver, shown, timeField, userField } from "./view.ts";

const weight = shown(decodeWeight, (record) => ({
  ...(record.weight === null ? { weight: null, measurementUnsuccessful: true } : {}),
  ...floatFields({ weight: record.weight, bmi: record.bmi, height: record.height }),
  unit: record.unit,
  ...timeField("time", record.time),
  ...userField(record.userId),
  ...(record.height === null ? {} : { heightUnit: record.heightUnit }),
  ...leftOver(record),
}));

const bodyComposition = shown(decodeBodyComposition, (record) => ({
  ...(record.bodyFatPercent === null ? { bodyFatPercent: null, measurementUnsuccessful: true } : {}),
  ...floatFields({
    bodyFatPercent: record.bodyFatPercent,
    musclePercent: record.musclePercent,
    muscleMass: record.muscleMass,
    fatFreeMass: record.fatFreeMass,
    softLeanMass: record.softLeanMass,
    bodyWaterMass: record.bodyWaterMass,
    impedanceOhm: record.impedanceOhm,
    weight: record.weight,
    height: record.height,
  }),
  unit: record.unit,
  ...timeField("time", record.time),
  ...userField(record.userId),
  ...given("basalMetabolismKJ", record.basalMetabolismKJ),
  ...(record.height === null ? {} : { heightUnit: record.heightUnit }),
  ...(record.multiplePacket ? { multiplePacket: true } : {}),
  ...leftOver(record),
}));

export const bodyViews = { "ble.2a9d": weight, "ble.2a9c": bodyComposition } as const;
