import { codeOf } from "../../../protocol/codes.ts";
import type { DateTime } from "../../decode/date-time.ts";
import { wholeOf } from "../number.ts";
import type { Measurement } from "../reading.ts";

const SYSTOLIC = codeOf("blood-pressure.systolic");
const DIASTOLIC = codeOf("blood-pressure.diastolic");
const PULSE = codeOf("pulse-rate.cuff");

/** One result in a cuff's memory, in mm[Hg] and beats a minute. */
export interface MeterPressure {
  readonly systolic: number;
  readonly diastolic: number;
  readonly pulse: number;
  readonly time: DateTime;
  readonly flags?: readonly string[];
  readonly context?: Readonly<Record<string, number>>;
}

/** No pressure and no pulse of a living person is 0. */
const orNone = (value: number): number | null => (value === 0 ? null : value);

export const meterPressure = (result: MeterPressure): Measurement => ({
  kind: "blood-pressure",
  status: result.systolic === 0 && result.diastolic === 0 ? "not-performed" : "final",
  values: [
    wholeOf(SYSTOLIC, orNone(result.systolic), "mm[Hg]", "error"),
    wholeOf(DIASTOLIC, orNone(result.diastolic), "mm[Hg]", "error"),
    wholeOf(PULSE, orNone(result.pulse), "/min", "error"),
  ],
  supplemental: [],
  context: result.context ?? {},
  flags: result.flags ?? [],
  quality: ["stored"],
  time: result.time,
});
