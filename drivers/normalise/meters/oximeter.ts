import { codeOf } from "../../../protocol/codes.ts";
import type { ContecLiveRecord } from "../../decode/contec.ts";
import type { NoninDf8Record } from "../../decode/nonin-df8.ts";
import { wholeOf } from "../number.ts";
import type { Measurement } from "../reading.ts";

/** What values of one finger differ by: 2 digits of saturation and 3 of pulse (Nonin 6470-000-01, page 1). */
export const OXIMETER_ACCURACY: readonly number[] = [2, 3];

const SPO2 = codeOf("spo2");
const PULSE = codeOf("pulse-rate.oximeter");

/** The modality stays open: both streams are made for the display, and neither document says how it averages. */
const streamed = (spo2: number | null, pulse: number | null): Measurement => ({
  kind: "pulse-oximetry",
  status: "final",
  values: [wholeOf(SPO2, spo2, "%", "unknown"), wholeOf(PULSE, pulse, "/min", "unknown")],
  supplemental: [],
  context: {},
  flags: [],
  quality: [],
  time: null,
});

/** One second of Nonin data format 8: the 4-beat averages that are "formatted for display" (6470-000-01, page 16). */
export const noninSecond = (record: NoninDf8Record): Measurement => {
  const flags: string[] = [];
  if (record.lowBattery) flags.push("low-battery");
  if (record.lowPerfusion) flags.push("low-perfusion");
  return { ...streamed(record.spo2, record.pulse), flags, quality: record.artifact ? ["questionable"] : [] };
};

/** One live sample of a Contec CMS50. A falling saturation is the sensor's own alarm, not a doubt about the value. */
export const contecSample = (record: ContecLiveRecord): Measurement => ({
  ...streamed(record.spo2, record.pulse),
  flags: record.droppingSpo2 ? ["spo2-dropping"] : [],
});
