import type { GlucoseQuantity } from "./glucose-result.ts";
import type { SerialMeasurement } from "./measurement.ts";
import { createMeterMemory, type MeterRecord, repliesTo } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";
import {
  createTaidocReader,
  readTaidocTime,
  TAIDOC,
  type TaidocCommand,
  taidocAnswer,
  taidocTime,
} from "./taidoc-frames.ts";
import { recordTime, recordValue, type TaidocResult, taidocTruth } from "./taidoc-records.ts";

export interface TaidocMeterOptions extends SerialMeterOptions, GlucoseQuantity {
  /** Four digits, such as 4277 (glucose), 3128 (pressure), 8201 (oximeter). */
  readonly model: string;
  /** Sixteen digits. Default 4277213150000001. */
  readonly serial?: string;
}

/** A meter that keeps records and tells them one by one, 0 the newest: its time on one command, its value on another. */
export interface TaidocMeter extends SerialMeter {
  /** The hub may switch it off; a press of its button (`announce`) switches it on. */
  readonly power: { readonly isOn: boolean };
  measure(result: TaidocResult): SerialMeasurement;
  /** Says that it is ready to talk, as after the patient pressed its button. */
  announce(): void;
}

const MEMORY = 450;
const SERIAL = "4277213150000001";
/** "For a new meter with a record count of 0 ... always 0xFFFF" (taidoc/td42xx, record count). */
const NO_COUNT = [0xff, 0xff] as const;

/** Digits as BCD, least significant octet first. */
const digits = (text: string): readonly number[] =>
  [...(text.match(/../g) ?? [])].reverse().map((two) => Number.parseInt(two, 16));

const wide = (value: number): readonly number[] => [value & 0xff, value >> 8];

export const createTaidocMeter = (options: TaidocMeterOptions): TaidocMeter => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<TaidocResult>(options.memory ?? MEMORY, options.clock);
  const serial = options.serial ?? SERIAL;
  const read = createTaidocReader();
  const tell = repliesTo(core, memory);
  const power = { isOn: true };

  const isControl = ({ result }: MeterRecord<TaidocResult>): boolean =>
    result.tag === "glucose" && result.test.control === true;

  const countData = (): readonly number[] => {
    const records = memory.oldestFirst;
    const counted = records.filter((record) => !isControl(record)).length;
    return [...wide(records.length), ...(records.length === 0 ? NO_COUNT : wide(counted))];
  };

  const recordAt = (data: Uint8Array): MeterRecord<TaidocResult> | null =>
    memory.newestFirst[(data[0] ?? 0) | ((data[1] ?? 0) << 8)] ?? null;

  /** What is on the finger now; nothing where the last measurement was of another kind. */
  const liveData = (): readonly number[] | null => {
    const newest = memory.newestFirst[0];
    return newest?.result.tag === "oximetry" ? recordValue(newest.result) : null;
  };

  const setClock = (data: Uint8Array): readonly number[] => {
    core.setShown(readTaidocTime(data));
    return taidocTime(core.shownMs);
  };

  const erase = (): readonly number[] => {
    core.violate("52");
    memory.erase();
    return [];
  };

  const turnOff = (): readonly number[] => {
    power.isOn = false;
    return [];
  };

  /** Data of the answer, which repeats the command; null: it says nothing. */
  const dataFor = ({ command, data }: TaidocCommand, record: MeterRecord<TaidocResult> | null) => {
    switch (command) {
      case TAIDOC.CONNECT:
        return [];
      case TAIDOC.CLOCK:
        return taidocTime(core.shownMs);
      case TAIDOC.SET_CLOCK:
        return setClock(data);
      case TAIDOC.MODEL:
        return digits(options.model);
      case TAIDOC.SERIAL_LATER:
        return digits(serial.slice(8));
      case TAIDOC.SERIAL_FORMER:
        return digits(serial.slice(0, 8));
      case TAIDOC.COUNT:
        return countData();
      case TAIDOC.RECORD_TIME:
        return record === null ? null : recordTime(record.result, record.shownMs);
      case TAIDOC.RECORD_VALUE:
        return record === null ? null : recordValue(record.result);
      case TAIDOC.LIVE:
        return liveData();
      case TAIDOC.ERASE:
        return erase();
      case TAIDOC.TURN_OFF:
        return turnOff();
      default:
        return null;
    }
  };

  const obey = (command: TaidocCommand): void => {
    const record = recordAt(command.data);
    const data = dataFor(command, record);
    if (data === null) return;
    const bytes = taidocAnswer(command.command, data);
    tell([{ bytes, ...(command.command === TAIDOC.RECORD_VALUE && record !== null ? { record } : {}) }]);
  };

  return Object.assign(meterParts(core, memory.measurements), {
    power,
    measure: (result: TaidocResult) => memory.store(result, taidocTruth(result, options), core.shownMs),
    announce: () => {
      power.isOn = true;
      tell([{ bytes: taidocAnswer(TAIDOC.COMMUNICATION) }]);
    },
    receive: (bytes: Uint8Array) => {
      for (const command of read(bytes)) if (power.isOn) obey(command);
    },
  });
};
