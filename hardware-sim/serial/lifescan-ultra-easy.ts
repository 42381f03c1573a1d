import { type GlucoseQuantity, type GlucoseTest, glucoseTruth } from "./glucose-result.ts";
import {
  createLifescanReader,
  LINK,
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
 * A OneTouch UltraEasy (UltraMini): one request at a time, acknowledged, answered, and the answer acknowledged by the
 * hub, with one bit of a send counter and one of a receive counter on each side (glucometerutils
 * drivers/otultraeasy.py, Tidepool oneTouchUltraMini.js). Seconds since 1970 of local time; record 0 is the newest.
 * How the number of records comes is where sources differ: Tidepool skips two octets before it, glucometerutils one.
 * Ours is `05 0F` and the count: the first, with the octets as they are remembered; no published frame shows it.
 */
export interface LifescanUltraEasy extends SerialMeter {
  measure(test: GlucoseTest): SerialMeasurement;
}

export interface UltraEasyOptions extends SerialMeterOptions, GlucoseQuantity {
  /** Nine characters. Default C176SA0QV. */
  readonly serial?: string;
}

const PREFIX = 0x05;
const SUCCESS = 0x06;
const COUNT = 0x0f;
const COMMAND = { DATE_FORMAT: 0x08, UNIT: 0x09, SERIAL: 0x0b, VERSION: 0x0d, ERASE: 0x1a, RECORD: 0x1f, CLOCK: 0x20 };
/** Asked for this record, the meter tells how many it has. */
const COUNT_RECORD = 501;
const MEMORY = 500;
const SERIAL = "C176SA0QV";
/** Version and date of the software: nine and eight characters. */
const VERSION = "P02.00.0025/05/07";
const SET_CLOCK = 0x01;

type Answer = { readonly message: readonly number[]; readonly record?: MeterRecord<GlucoseTest> };

export const createLifescanUltraEasy = (options: UltraEasyOptions): LifescanUltraEasy => {
  const core = createMeterCore(options);
  const memory = createMeterMemory<GlucoseTest>(options.memory ?? MEMORY, options.clock);
  const serial = options.serial ?? SERIAL;
  const read = createLifescanReader();
  const tell = repliesTo(core, memory);
  /** Send counter of the meter's next frame, and of the hub's next one. */
  let own = 0;
  let expected = 0;
  let last: Answer | null = null;

  const success = (...data: readonly number[]): Answer => ({ message: [PREFIX, SUCCESS, ...data] });

  const recordAnswer = (number: number): Answer | null => {
    const records = memory.newestFirst;
    if (number === COUNT_RECORD) return { message: [PREFIX, COUNT, records.length & 0xff, records.length >> 8] };
    const record = records[number];
    if (record === undefined) return null;
    const seconds = Math.floor(record.shownMs / 1000);
    return { ...success(...le32Octets(seconds), ...le32Octets(record.result.mgPerDl)), record };
  };

  const clockAnswer = (message: Uint8Array): Answer => {
    if (message[2] === SET_CLOCK) core.setShown(u32At(message, 3) * 1000);
    return success(...le32Octets(Math.floor(core.shownMs / 1000)));
  };

  /** Null: the meter acknowledges and says no more. */
  const answerTo = (message: Uint8Array): Answer | null => {
    if (message[0] !== PREFIX) return null;
    switch (message[1]) {
      case COMMAND.VERSION:
        return success(VERSION.length, ...ascii(VERSION));
      case COMMAND.SERIAL:
        return success(...ascii(serial));
      case COMMAND.DATE_FORMAT:
      case COMMAND.UNIT:
        return success(0, 0, 0, 0);
      case COMMAND.CLOCK:
        return clockAnswer(message);
      case COMMAND.RECORD:
        return recordAnswer(u16At(message, 2));
      case COMMAND.ERASE:
        core.violate("05 1A");
        memory.erase();
        return success();
      default:
        return null;
    }
  };

  const counters = (): number => (own === 1 ? LINK.SEND : 0) | (expected === 1 ? LINK.EXPECT : 0);

  const request = (frame: LifescanFrame): void => {
    const isNew = (frame.link & LINK.SEND) === expected;
    if (isNew) {
      expected ^= 1;
      last = answerTo(frame.message);
    }
    // A request that came twice had its acknowledgement or its answer lost.
    tell([{ bytes: lifescanFrame(LINK.ACKNOWLEDGE | counters()) }]);
    if (last !== null) tell([{ ...last, bytes: lifescanFrame(counters(), last.message) }]);
  };

  /** The hub's receive counter has moved on: it has the answer. */
  const settle = (link: number): void => {
    if (last === null || ((link & LINK.EXPECT) !== 0 ? 1 : 0) === own) return;
    own ^= 1;
    last = null;
  };

  const take = (frame: LifescanFrame): void => {
    if ((frame.link & LINK.DISCONNECT) !== 0) {
      own = 0;
      expected = 0;
      last = null;
      core.say(lifescanFrame(LINK.DISCONNECT | LINK.ACKNOWLEDGE));
      return;
    }
    settle(frame.link);
    if ((frame.link & LINK.ACKNOWLEDGE) === 0 && frame.message.length > 0) request(frame);
  };

  return Object.assign(meterParts(core, memory.measurements), {
    measure: (test: GlucoseTest) => memory.store(test, glucoseTruth(test, options), core.shownMs),
    receive: (bytes: Uint8Array) => {
      for (const frame of read(bytes)) take(frame);
    },
  });
};
