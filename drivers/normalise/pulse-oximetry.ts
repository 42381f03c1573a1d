import { codeOf } from "../../protocol/codes.ts";
import type { Quality } from "../../protocol/reading.ts";
import type { NoninDf2Packet } from "../decode/nonin-df2.ts";
import type { NoninDf13Record } from "../decode/nonin-df13.ts";
import { wholeOf } from "./number.ts";
import type { Measurement } from "./reading.ts";

const SPO2 = codeOf("spo2");
const PULSE = codeOf("pulse-rate.oximeter");
const SPOT = codeOf("spo2.modality.spot");
const SLOW = codeOf("spo2.modality.slow");

/**
 * A spot check of data format 13 (Nonin 6470-000-01, pages 5 to 7): modality spot. No measurement: `not-performed`.
 * Without the SmartPoint bit the 40 s passed without a high quality measurement: `questionable`.
 */
export const noninSpotCheck = (record: NoninDf13Record): Measurement => {
  const isMissing = record.noMeasurement || (record.spo2 === null && record.pulse === null);
  const quality: Quality[] = [];
  if (!record.smartPoint) quality.push("questionable");
  if (record.fromMemory) quality.push("stored");
  return {
    kind: "pulse-oximetry",
    status: isMissing ? "not-performed" : "final",
    values: [
      wholeOf(SPO2, isMissing ? null : record.spo2, "%", "unknown"),
      wholeOf(PULSE, isMissing ? null : record.pulse, "/min", "unknown"),
    ],
    supplemental: [SPOT.mdc],
    context: { status: record.status },
    flags: record.lowBattery ? ["low-battery"] : [],
    quality,
    time: record.time,
  };
};

/**
 * What a stream of data format 2 says at one moment: the 8-beat extended averages "for recording purposes" (pages 8 to
 * 10), which is modality slow. It is final, not preliminary: no better value of this moment follows. The status byte
 * and the pleth are of 1/75 s and stay in the raw bytes.
 */
export const noninStream = (packet: NoninDf2Packet): Measurement => {
  const flags: string[] = [];
  if (packet.lowBattery) flags.push("low-battery");
  if (packet.perfusion === "red") flags.push("low-perfusion");
  return {
    kind: "pulse-oximetry",
    status: "final",
    values: [wholeOf(SPO2, packet.eSpo2, "%", "unknown"), wholeOf(PULSE, packet.ePulse, "/min", "unknown")],
    supplemental: [SLOW.mdc],
    context: {},
    flags,
    quality: packet.artifact ? ["questionable"] : [],
    time: null,
  };
};
