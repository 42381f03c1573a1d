import type { Chance } from "../radio/seeded.ts";
import type { Composition } from "../serial/scale-lines.ts";

/** A simulated patient: every measurement is a little different, as on a real day, and comes from the seed. */
export interface Patient {
  weightHundredths(): number;
  composition(): Composition;
  bloodPressure(): {
    readonly systolic: number;
    readonly diastolic: number;
    readonly mean: number;
    readonly pulse: number;
  };
  oximetry(): { readonly spo2: number; readonly pulse: number };
  /** mg/dL. */
  glucose(): number;
  /** Tenths of a degree Celsius. */
  temperatureTenths(): number;
}

export const createPatient = (chance: Chance): Patient => {
  const weight = chance.fork("weight");
  const pressure = chance.fork("pressure");
  const oximetry = chance.fork("oximetry");
  const glucose = chance.fork("glucose");
  const temperature = chance.fork("temperature");
  return {
    weightHundredths: () => weight.whole(7180, 7290),
    composition: () => ({
      weightTenths: weight.whole(718, 729),
      fatPercentTenths: weight.whole(180, 230),
      impedanceOhmTenths: weight.whole(3500, 3900),
      heightCm: 172,
      age: 67,
      gender: "female",
    }),
    bloodPressure: () => {
      const systolic = pressure.whole(112, 156);
      const diastolic = pressure.whole(64, 92);
      const mean = Math.round(diastolic + (systolic - diastolic) / 3);
      return { systolic, diastolic, mean, pulse: pressure.whole(56, 88) };
    },
    oximetry: () => ({ spo2: oximetry.whole(92, 99), pulse: oximetry.whole(56, 88) }),
    glucose: () => glucose.whole(72, 214),
    temperatureTenths: () => temperature.whole(361, 378),
  };
};
