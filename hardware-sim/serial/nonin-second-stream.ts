import type { Clock } from "../../protocol/ports/clock.ts";
import { seconds } from "../../protocol/time.ts";
import { noninSecond } from "./nonin-df8.ts";
import { MISSING_PULSE, MISSING_SPO2 } from "./nonin-frames.ts";
import type { Patient } from "./nonin-stream.ts";
import { createSampleStream, oximetryTruth, type SampleStream } from "./sample-stream.ts";
import type { SerialLine } from "./serial-line.ts";

/** Seconds without a value while the oximeter finds the pulse. */
const ACQUIRING = 3;
/** For this long the last reading is reported, with the alarm, before the missing data value (page 17). */
const HELD = 10;
/** Seconds of missing data after that, before it turns itself off. */
const MISSING_AT_THE_END = 2;

const NOTHING: Patient = { pulse: MISSING_PULSE, spo2: MISSING_SPO2 };

/** A Nonin oximeter in data format 8. Taken off it holds its last values with the sensor alarm, which count no more. */
export const createNoninSecondStream = (line: () => SerialLine, clock: Clock): SampleStream =>
  createSampleStream({
    line,
    clock,
    every: seconds(1),
    leaving: HELD + MISSING_AT_THE_END,
    sample: (patient, tick, since) => {
      const isHeld = since !== null && since < HELD;
      const shown = tick < ACQUIRING || (since !== null && !isHeld) ? NOTHING : patient;
      return {
        bytes: noninSecond({ ...shown, fingerRemoved: since !== null }),
        values: oximetryTruth(shown),
        valid: since === null && shown !== NOTHING,
      };
    },
  });
