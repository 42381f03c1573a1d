import { decodeAndWeight } from "../aandd-line.ts";
import { localOf } from "../date-time.ts";
import { decodeTanita, type TanitaRecord } from "../tanita-line.ts";
import { decodeVisomatMemory } from "../visomat.ts";
import { type DecodedView, floatFields, given, numberOf, shown } from "./view.ts";

const andWeight = shown(decodeAndWeight, (record) => ({
  header: record.header,
  stable: record.stable,
  overload: record.overload,
  ...given("second", record.second),
  value: record.value === null ? null : numberOf(record.value),
  ...(record.value?.tag === "number" ? { decimals: record.value.decimals } : {}),
  unit: record.unit,
}));

const tanitaView = ({ model, serial, massUnit, weight, ...rest }: TanitaRecord): DecodedView => ({
  ...given("model", model),
  ...given("serial", serial),
  ...floatFields({ [massUnit === "kg" ? "weightKg" : "weightLb"]: weight, ...rest }),
});

const visomat = shown(decodeVisomatMemory, (memories) => ({
  memories: memories.map(({ user, readings }) => ({
    user,
    records: readings.map(({ time, ...values }) => ({ local: localOf(time), ...values })),
  })),
}));

export const scaleAndCuffViews = {
  "serial.aandd.weight.line": andWeight,
  "serial.tanita.line": shown(decodeTanita, tanitaView),
  "serial.visomat.memory": visomat,
} as const;
