import { localOf } from "../date-time.ts";
import type { MedicalFloat } from "../float.ts";
import { decodeVitalograph, type VitalographTest } from "../vitalograph.ts";
import { type DecodedView, floatFields, shown } from "./view.ts";

/** What the layout carries, each with its unit in its name. */
const resultsOf = (test: VitalographTest): Record<string, MedicalFloat | null> => ({
  ...(test.layout === "G" ? { pefLPerMin: test.pef, fev075L: test.fev075 } : {}),
  fev1L: test.fev1,
  fev6L: test.fev6,
  fev1Fev6Percent: test.fev1Fev6,
  fef2575LPerS: test.fef2575,
  fev1BestL: test.fev1Best,
  fev1PercentOfBest: test.fev1Percent,
  ...(test.layout === "G" ? { pefBestLPerMin: test.pefBest, pefPercentOfBest: test.pefPercent } : {}),
});

const withoutValue = (results: Record<string, MedicalFloat | null>): DecodedView =>
  Object.fromEntries(Object.entries(results).flatMap(([name, float]) => (float === null ? [[name, null]] : [])));

const testView = (test: VitalographTest): DecodedView => ({
  record: "test",
  layout: test.layout,
  serial: test.serial,
  ...withoutValue(resultsOf(test)),
  ...floatFields(resultsOf(test)),
  zones: test.zones,
  local: localOf(test.time),
  goodTest: test.isGood,
  software: test.software,
});

export const spirometerViews = {
  "serial.vitalograph.message": shown(decodeVitalograph, (message) =>
    message.tag === "test" ? testView(message) : { record: "other", code: message.code, length: message.length },
  ),
} as const;
