import { ascii, asText, localParts, padded } from "./local-parts.ts";
import type { SerialMeasurement, TrueValue } from "./measurement.ts";
import { createMeterMemory, type MeterRecord } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";

/**
 * A Visomat Double Comfort: two users, STX `R00` ETX asks for everything, and one packet tells it (README of
 * visomat-utils, git.ao2.it, with the dump that is the published vector; the one public source). Its digit between time
 * and pressure is of unknown meaning. What it answers to `R02`, the time, is not documented, so it says nothing.
 */
export interface VisomatCuff extends SerialMeter {
  measure(pressure: VisomatPressure): SerialMeasurement;
}

export interface VisomatPressure {
  readonly user: 1 | 2;
  readonly systolic: number;
  readonly diastolic: number;
  readonly pulse: number;
  /** The digit of unknown meaning. Default 0. */
  readonly mark?: number;
}

const STX = "\x02";
const ETX = "\x03";
const ASK_ALL = "R00";
/** Two digits of count for each user. */
const MOST_OF_A_USER = 99;
/** Sixty for each of two users. */
const MEMORY = 120;
/** A command is three letters; more without an end is noise. */
const MAX_COMMAND = 8;

const recordText = ({ result, shownMs }: MeterRecord<VisomatPressure>): string => {
  const { year, month, day, hour, minute } = localParts(shownMs);
  const time = `${padded(year % 100)}${padded(month)}${padded(day)}${padded(hour)}${padded(minute)}`;
  return `${time}${result.mark ?? 0}${padded(result.systolic, 3)}${padded(result.diastolic, 3)}${padded(result.pulse, 3)}`;
};

/** `M`, user, count, records; an empty memory has a `1` in their place. */
export const visomatMemory = (user: 1 | 2, records: readonly MeterRecord<VisomatPressure>[]): string =>
  `M${user}${padded(records.length)}${records.length === 0 ? "1" : records.map(recordText).join("")}`;

const whole = (quantity: string, value: number, unit: string): TrueValue => ({ quantity, value, decimals: 0, unit });

export const createVisomatCuff = (options: SerialMeterOptions): VisomatCuff => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<VisomatPressure>(options.memory ?? MEMORY, options.clock);
  let command: string | null = null;

  const dump = (): void => {
    const of = (user: 1 | 2): readonly MeterRecord<VisomatPressure>[] =>
      memory.oldestFirst.filter(({ result }) => result.user === user).slice(-MOST_OF_A_USER);
    const told = [...of(1), ...of(2)];
    const bytes = ascii(`${STX}${visomatMemory(1, of(1))}${visomatMemory(2, of(2))}${ETX}`);
    core.say(bytes, (outcome) => {
      for (const record of told) memory.told(record, ascii(recordText(record)), outcome);
    });
  };

  const take = (letter: string): void => {
    if (letter === STX) command = "";
    else if (letter === ETX) {
      if (command === ASK_ALL) dump();
      command = null;
    } else if (command !== null) command = command.length < MAX_COMMAND ? command + letter : null;
  };

  return Object.assign(meterParts(core, memory.measurements), {
    measure: (pressure: VisomatPressure) =>
      memory.store(
        pressure,
        [
          whole("blood-pressure.systolic", pressure.systolic, "mm[Hg]"),
          whole("blood-pressure.diastolic", pressure.diastolic, "mm[Hg]"),
          whole("pulse-rate.cuff", pressure.pulse, "/min"),
        ],
        core.shownMs,
      ),
    receive: (bytes: Uint8Array) => {
      for (const letter of asText(bytes)) take(letter);
    },
  });
};
