import { type GlucoseQuantity, type GlucoseTest, glucoseTruth } from "./glucose-result.ts";
import {
  createLifescanReader,
  type LifescanFrame,
  le32Octets,
  lifescanFrame,
  u16At,
  u32At,
} from "./lifescan-frames.ts";
import { ascii } from "./local-parts.ts";
import type { SerialMeasurement } from "./measurement.ts";
import { createMeterMemory, type MeterRecord, repliesTo } from "./meter-memory.ts";
import { createMeterCore, meterParts, type SerialMeter, type SerialMeterOptions } from "./serial-meter.ts";

/**
 * A OneTouch Verio IQ: the frames of the UltraEasy without link control, one answer for one request, whose prefix (03
 * or 04) comes back (glucometer-protocols lifescan/onetouch-verio-iq, Tidepool oneTouchVerioIQ.js). Seconds since 2000
 * of local time. The later Verio 2015 tells its newest record first; we take that for this one too.
 */
export interface LifescanVerio extends SerialMeter {
  measure(test: GlucoseTest): SerialMeasurement;
}

export interface VerioOptions extends SerialMeterOptions, GlucoseQuantity {
  /** Default KTHXSAGB. */
  readonly serial?: string;
}

const PREFIXES: readonly number[] = [0x03, 0x04];
const SUCCESS = 0x06;
const COMMAND = { UNIT: 0x09, SERIAL: 0x0b, VERSION: 0x0d, ERASE: 0x1a, CLOCK: 0x20, RECORD: 0x21, COUNT: 0x27 };
const MEMORY = 750;
const SERIAL = "KTHXSAGB";
const VERSION = "K02.02.0008/09/11";
const SET_CLOCK = 0x01;
const EPOCH_MS = Date.UTC(2000, 0, 1);

type Answer = { readonly data: readonly number[]; readonly record?: MeterRecord<GlucoseTest> };

const MEAL = { none: 0, before: 1, after: 2 } as const;

export const createLifescanVerio = (options: VerioOptions): LifescanVerio => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<GlucoseTest>(options.memory ?? MEMORY, options.clock);
  const read = createLifescanReader();
  const tell = repliesTo(core, memory);

  const secondsOf = (ms: number): readonly number[] => le32Octets(Math.floor((ms - EPOCH_MS) / 1000));

  const recordData = ({ result, shownMs }: MeterRecord<GlucoseTest>): readonly number[] => [
    ...secondsOf(shownMs),
    ...[result.mgPerDl & 0xff, result.mgPerDl >> 8],
    result.control === true ? 1 : 0,
    MEAL[result.meal ?? "none"],
    ...[0, 0],
  ];

  const clockData = (message: Uint8Array): readonly number[] => {
    if (message[2] !== SET_CLOCK) return secondsOf(core.shownMs);
    core.setShown(u32At(message, 3) * 1000 + EPOCH_MS);
    return [];
  };

  const erase = (): readonly number[] => {
    core.violate("1A");
    memory.erase();
    return [];
  };

  /** Null: it says nothing. */
  const answerTo = (message: Uint8Array): Answer | null => {
    const count = memory.oldestFirst.length;
    switch (message[1]) {
      case COMMAND.VERSION:
        return { data: [VERSION.length, ...ascii(VERSION), 0] };
      case COMMAND.SERIAL:
        return { data: [...ascii(options.serial ?? SERIAL), 0] };
      case COMMAND.UNIT:
        return { data: [0, 0, 0, 0] };
      case COMMAND.CLOCK:
        return { data: clockData(message) };
      case COMMAND.COUNT:
        return { data: [count & 0xff, count >> 8] };
      case COMMAND.RECORD: {
        const record = memory.newestFirst[u16At(message, 2)];
        return record === undefined ? null : { data: recordData(record), record };
      }
      case COMMAND.ERASE:
        return { data: erase() };
      default:
        return null;
    }
  };

  const take = ({ message }: LifescanFrame): void => {
    const [prefix = 0] = message;
    const answer = PREFIXES.includes(prefix) ? answerTo(message) : null;
    if (answer !== null) tell([{ ...answer, bytes: lifescanFrame(0, [prefix, SUCCESS, ...answer.data]) }]);
  };

  return Object.assign(meterParts(core, memory.measurements), {
    measure: (test: GlucoseTest) => memory.store(test, glucoseTruth(test, options), core.shownMs),
    receive: (bytes: Uint8Array) => {
      for (const frame of read(bytes)) take(frame);
    },
  });
};
