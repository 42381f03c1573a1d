import { type GlucoseQuantity, glucoseTruth } from "./glucose-result.ts";
import {
  type Ultra2Test,
  type Ultra2Unit,
  ultra2Header,
  ultra2Line,
  ultra2Record,
  ultra2Time,
  ultra2UnitText,
} from "./lifescan-ultra2-lines.ts";
import { asText } from "./local-parts.ts";
import type { SerialMeasurement } from "./measurement.ts";
import { createMeterMemory, type Reply, repliesTo } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";

export interface Ultra2Options extends SerialMeterOptions, GlucoseQuantity {
  /** Nine characters; Y at the end marks an Ultra2. Default GMF600DCY. */
  readonly serial?: string;
  /** Default mg/dL. */
  readonly unit?: Ultra2Unit;
}

/** A glucose meter that dumps its memory on `DMP`, newest first, one line a record. */
export interface LifescanUltra2 extends SerialMeter {
  measure(test: Ultra2Test): SerialMeasurement;
}

const SERIAL = "GMF600DCY";
const VERSION = "P02.00.00 30/08/06";
const MEMORY = 500;
/** It and a CR stand before each command. */
const DC1 = "\x11";
/** `DMT06/15/26 17:17:27`, the longest command; more without an end is noise. */
const MAX_COMMAND = 24;

/** Commands that are whole with their last letter; setting the time is whole with its CR. */
const COMMANDS = ["DM?", "DM@", "DMF", "DMP", "DMSU?", "DMZ"] as const;
const SET_TIME = /^DMT(\d\d)\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)\r$/;

export const createLifescanUltra2 = (options: Ultra2Options): LifescanUltra2 => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<Ultra2Test>(options.memory ?? MEMORY, options.clock);
  const tell = repliesTo(core, memory);
  const serial = options.serial ?? SERIAL;
  const unit = options.unit ?? "mg/dL";
  /** What came since the last DC1; null before the first one. */
  let command: string | null = null;

  const line = (text: string): readonly Reply<Ultra2Test>[] => [{ bytes: ultra2Line(text) }];

  const dump = (): readonly Reply<Ultra2Test>[] => {
    const records = memory.newestFirst;
    return [
      { bytes: ultra2Header(records.length, serial, unit) },
      ...records.map((record) => ({ bytes: ultra2Record(record.result, record.shownMs), record })),
    ];
  };

  const erase = (command: string): readonly Reply<Ultra2Test>[] => {
    core.violate(command);
    memory.erase();
    return line("Z");
  };

  const replyTo = (known: (typeof COMMANDS)[number]): readonly Reply<Ultra2Test>[] => {
    switch (known) {
      case "DM?":
        return line(`?${VERSION}`);
      case "DM@":
        return line(`@ "${serial}"`);
      case "DMF":
        return line(`F ${ultra2Time(core.shownMs)}`);
      case "DMSU?":
        return line(`SU?,${ultra2UnitText(unit)}`);
      case "DMP":
        return dump();
      case "DMZ":
        return erase(known);
    }
  };

  const setTime = (match: RegExpExecArray): readonly Reply<Ultra2Test>[] => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
    core.setShown(Date.UTC(2000 + year, month - 1, day, hour, minute, second));
    return line(`T ${ultra2Time(core.shownMs)}`);
  };

  const take = (letter: string): void => {
    if (letter === DC1) command = "";
    if (command === null || letter === DC1 || (letter === "\r" && command === "")) return;
    command += letter;
    const text = command;
    const known = COMMANDS.find((one) => one === text);
    const time = SET_TIME.exec(text);
    if (known !== undefined || time !== null || text.length > MAX_COMMAND) command = null;
    if (known !== undefined) tell(replyTo(known));
    else if (time !== null) tell(setTime(time));
  };

  return Object.assign(meterParts(core, memory.measurements), {
    measure: (test: Ultra2Test) => memory.store(test, glucoseTruth(test, options), core.shownMs),
    receive: (bytes: Uint8Array) => {
      for (const letter of asText(bytes)) take(letter);
    },
  });
};
