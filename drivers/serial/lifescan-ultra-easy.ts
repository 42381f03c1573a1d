import { driverId } from "../../protocol/ids.ts";
import type { DateTime } from "../decode/date-time.ts";
import { u16, u32 } from "../decode/field.ts";
import { decimal } from "../decode/float.ts";
import { decodeLifescanFrame, type LifescanFrame } from "../decode/lifescan-binary.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createLifescanBinaryFramer } from "../framer/lifescan-binary.ts";
import { type MeterGlucose, meterGlucose } from "../normalise/meters/glucose.ts";
import { createNumberedMemory } from "./lifescan-memory.ts";
import { lifescanFrame, lifescanMessageOf, octets16, secondsOf, timeAt } from "./lifescan-message.ts";
import { type Answer, HELLO, type MeterLine } from "./meter-line.ts";
import { type ClockShown, type MeterProtocol, type MeterTalk, SILENT } from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const LIFESCAN_ULTRA_EASY_VERSION = "1.0.0";

/*
 * Link control and messages as glucometerutils (drivers/otultraeasy.py) and the Tidepool uploader
 * (oneTouchUltraMini.js) have them. How the number of records comes is not the same there: the first skips one octet
 * before it, the second two; the length of the message tells which it is.
 */

export interface UltraEasyRecord {
  readonly time: DateTime;
  /** mg/dL; 65534 and 65535 for LO and HI. */
  readonly value: number;
}

const LINK = { send: 0x01, expect: 0x02, acknowledge: 0x04, disconnect: 0x08 } as const;
const PREFIX = 0x05;
const SUCCESS = 0x06;
const EPOCH = Date.UTC(1970, 0, 1);
/** Asked for this record, which it cannot have, the meter tells how many it has. */
const COUNT_RECORD = 501;
const MOST_RECORDS = 500;
/** Tidepool, oneTouchUltraMini.js: what stands for a result beyond 20 to 600 mg/dL. */
const LO = 0xfffe;
const HI = 0xffff;

const MESSAGE = {
  serial: [PREFIX, 0x0b, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  readClock: [PREFIX, 0x20, 0x02, 0, 0, 0, 0],
  setClock: (seconds: readonly number[]) => [PREFIX, 0x20, 0x01, ...seconds],
  record: (number: number) => [PREFIX, 0x1f, ...octets16(number)],
} as const;

/** The data after `05 06`, of a known length (null: any); malformed for anything else. */
const dataOf = (message: Uint8Array, length: number | null): Decoded<Uint8Array> =>
  message[0] === PREFIX && message[1] === SUCCESS && (length === null || message.length === length + 2)
    ? decoded(message.subarray(2))
    : malformed("format", "LifeScan answer: not the answer to this command");

const countOf = (message: Uint8Array): Decoded<number> =>
  message.length === 3 || message.length === 4
    ? decoded(u16(message, message.length - 2))
    : malformed("format", "LifeScan answer: no number of records");

/** One side of a link that numbers its frames with one bit: what comes again is known by it. */
interface Link {
  /** Begin anew: both sides count from 0. */
  reset(line: MeterLine): Promise<boolean>;
  /** One message and its answer, which is acknowledged. Null where none came: the link is then to be reset. */
  exchange<T>(
    line: MeterLine,
    message: readonly number[],
    understand: (message: Uint8Array) => Decoded<T>,
  ): Promise<Answer<T> | null>;
}

const createLink = (): Link => {
  let send = 0;
  let expect = 0;
  const counters = (): number => (send === 1 ? LINK.send : 0) | (expect === 1 ? LINK.expect : 0);

  const answerIn = (frame: LifescanFrame): Uint8Array | null => {
    const isAnswer = !frame.acknowledge && !frame.disconnect && frame.message.length > 0;
    return isAnswer && frame.sequenceNumber === (expect === 1) ? frame.message : null;
  };

  return {
    reset: async (line) => {
      const answer = await line.ask({
        ...HELLO,
        bytes: lifescanFrame(LINK.disconnect),
        understand: (bytes) => {
          const frame = decodeLifescanFrame(bytes);
          if (frame.tag === "malformed") return frame;
          return frame.record.disconnect ? decoded(true) : null;
        },
      });
      send = 0;
      expect = 0;
      return answer !== null;
    },
    exchange: async (line, message, understand) => {
      const answer = await line.ask({
        bytes: lifescanFrame(counters(), message),
        understand: (bytes) => {
          const frame = decodeLifescanFrame(bytes);
          if (frame.tag === "malformed") return frame;
          const said = answerIn(frame.record);
          return said === null ? null : understand(said);
        },
      });
      if (answer === null) return null;
      send ^= 1;
      expect ^= 1;
      await line.say(lifescanFrame(LINK.acknowledge | counters()));
      return answer;
    },
  };
};

const createTalk = (): MeterTalk => {
  const link = createLink();
  let serial: string | null = null;

  const clockOf = async (line: MeterLine, message: readonly number[]): Promise<ClockShown | null> => {
    const answer = await link.exchange(line, message, (said) => dataOf(said, 4));
    if (answer === null) return null;
    return { shown: timeAt(answer.record, 0, EPOCH), asked: answer.asked, answered: answer.answered };
  };

  const readSerial = async (line: MeterLine): Promise<string | null> => {
    const answer = await link.exchange(line, MESSAGE.serial, (said) => dataOf(said, null));
    return answer === null ? null : Buffer.from(answer.record).toString("latin1");
  };

  const memory = createNumberedMemory({
    most: MOST_RECORDS,
    count: async (line) => (await link.exchange(line, MESSAGE.record(COUNT_RECORD), countOf))?.record ?? null,
    record: (line, number) => link.exchange(line, MESSAGE.record(number), (said) => dataOf(said, 8)),
  });

  return {
    visit: async (line) => {
      if (!(await link.reset(line))) {
        serial = null;
        memory.forget();
        return SILENT;
      }
      serial ??= await readSerial(line);
      const memories = serial === null ? null : await memory.at(line);
      if (memories === null) return SILENT;
      return {
        tag: "open",
        visit: {
          serial,
          clock: {
            setsTo: "seconds",
            read: () => clockOf(line, MESSAGE.readClock),
            set: async (local) => {
              const seconds = secondsOf(local, EPOCH);
              return seconds !== null && (await clockOf(line, MESSAGE.setClock(seconds))) !== null;
            },
          },
          memories,
        },
      };
    },
  };
};

const decode = (raw: Uint8Array): Decoded<UltraEasyRecord> => {
  const frame = decodeLifescanFrame(raw);
  if (frame.tag === "malformed") return frame;
  const data = dataOf(frame.record.message, 8);
  return data.tag === "malformed" ? data : decoded({ time: timeAt(data.record, 0, EPOCH), value: u32(data.record, 4) });
};

const glucoseOf = (value: number): MeterGlucose["value"] => {
  if (value === HI) return "above";
  if (value === LO) return "below";
  // No meter shows a result of four digits: the frame is whole, so this is how it stands in the meter.
  return value > 999 ? "error" : decimal(value, 0);
};

/**
 * LifeScan OneTouch UltraEasy and UltraMini: 9600 baud, frames with a CRC. It tells neither meal nor control solution;
 * tests with control solution are not sent (Tidepool, checklist oneTouchUltraMini).
 */
const protocol: MeterProtocol<UltraEasyRecord> = {
  id: driverId("lifescan-ultra-easy"),
  version: LIFESCAN_ULTRA_EASY_VERSION,
  source: "lifescan-ultra-easy",
  // Three answers of 17 octets and their acknowledgements.
  unreadableAfter: 64,
  createFramer: createLifescanBinaryFramer,
  createTalk,
  recognise: () => "own",
  decode,
  identityOf: lifescanMessageOf,
  timeOf: (record) => record.time,
  measure: ({ time, value }) =>
    meterGlucose({
      sample: "capillary-plasma",
      value: glucoseOf(value),
      unit: "mg/dL",
      control: false,
      meal: "none",
      time,
    }),
};

export const createLifescanUltraEasyDriver = (): SensorDriver<UltraEasyRecord> => createMeterDriver(protocol);
