import { type Code, codeOf } from "../../protocol/codes.ts";
import type { TemperatureRecord } from "../decode/temperature.ts";
import { measured } from "./number.ts";
import type { Measurement } from "./reading.ts";

const BODY = codeOf("body-temperature");

/** Codes by Temperature Type 1 to 9 (0x2A1D); the site is the code, so nothing supplemental is needed. */
const SITES: readonly Code[] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((type) => codeOf(`body-temperature.site.${type}`));

/** A body temperature, in degrees Celsius or Fahrenheit as sent, coded by its site; a reserved site is "body". */
export const bodyTemperature = (record: TemperatureRecord): Measurement => {
  const { temperature, type } = record;
  const code = (type === null ? undefined : SITES[type.raw - 1]) ?? BODY;
  return {
    kind: "body-temperature",
    status: temperature.tag === "special" ? "not-performed" : "final",
    values: [measured(code, temperature, record.unit)],
    supplemental: [],
    context: {},
    flags: [],
    quality: record.reservedFlags !== 0 || record.trailing > 0 ? ["questionable"] : [],
    time: record.time,
  };
};
