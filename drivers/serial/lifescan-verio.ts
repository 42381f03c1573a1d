import { driverId } from "../../protocol/ids.ts";
import type { DateTime } from "../decode/date-time.ts";
import { u8, u16 } from "../decode/field.ts";
import { decodeLifescanFrame } from "../decode/lifescan-binary.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createLifescanBinaryFramer } from "../framer/lifescan-binary.ts";
import { type GlucoseRange, meterGlucose, mgPerDlWithin } from "../normalise/meters/glucose.ts";
import { createNumberedMemory } from "./lifescan-memory.ts";
import { lifescanFrame, lifescanMessageOf, octets16, secondsOf, timeAt } from "./lifescan-message.ts";
import { type Answer, type Effort, HELLO, type MeterLine } from "./meter-line.ts";
import { type ClockShown, type MeterProtocol, type MeterTalk, SILENT } from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const LIFESCAN_VERIO_VERSION = "1.0.0";

/*
 * Messages of the OneTouch Verio IQ (glucometer-protocols lifescan/onetouch-verio-iq, glucometerutils otverioiq.py,
 * Tidepool oneTouchVerioIQ.js). An answer does not say which question it is for: its length has to.
 */

export interface VerioRecord {
  readonly time: DateTime;
  readonly mgPerDl: number;
  readonly control: boolean;
  readonly meal: "none" | "before" | "after";
}

const PREFIX = 0x03;
const SUCCESS = 0x06;
const EPOCH = Date.UTC(2000, 0, 1);
const MOST_RECORDS = 750;
/** Tidepool, oneTouchVerioIQ.js. */
const RANGE: GlucoseRange = { lowest: 20, highest: 600 };
const MEALS = ["none", "before", "after"] as const;
const RECORD_LENGTH = 10;

const MESSAGE = {
  serial: [PREFIX, 0x0b, 0x01, 0x02],
  readClock: [PREFIX, 0x20, 0x02],
  setClock: (seconds: readonly number[]) => [PREFIX, 0x20, 0x01, ...seconds],
  count: [PREFIX, 0x27, 0x00],
  record: (number: number) => [PREFIX, 0x21, ...octets16(number)],
} as const;

/** The data after `03 06`; null for an answer of another length, which is to another question. */
const dataOf = (frame: Uint8Array, fits: (length: number) => boolean): Decoded<Uint8Array> | null => {
  const whole = decodeLifescanFrame(frame);
  if (whole.tag === "malformed") return whole;
  const { message } = whole.record;
  if (message[0] !== PREFIX || message[1] !== SUCCESS) return malformed("format", "LifeScan answer: not 03 06");
  return fits(message.length - 2) ? decoded(message.subarray(2)) : null;
};

const exchange = (
  line: MeterLine,
  message: readonly number[],
  fits: (length: number) => boolean,
  how: Effort = {},
): Promise<Answer<Uint8Array> | null> =>
  line.ask({ ...how, bytes: lifescanFrame(0, message), understand: (frame) => dataOf(frame, fits) });

const isLength = (wanted: number) => (length: number) => length === wanted;

const readClock = async (line: MeterLine, how: Effort = {}): Promise<ClockShown | null> => {
  const answer = await exchange(line, MESSAGE.readClock, isLength(4), how);
  return answer === null
    ? null
    : { shown: timeAt(answer.record, 0, EPOCH), asked: answer.asked, answered: answer.answered };
};

/** Letters and digits, ended by 0; longer than any other answer but that to a record. */
const readSerial = async (line: MeterLine): Promise<string | null> => {
  const answer = await exchange(line, MESSAGE.serial, (length) => length > 4 && length !== RECORD_LENGTH);
  return answer === null ? null : Buffer.from(answer.record).toString("latin1").replaceAll("\0", "");
};

const setClock = async (line: MeterLine, local: DateTime): Promise<boolean> => {
  const seconds = secondsOf(local, EPOCH);
  return seconds !== null && (await exchange(line, MESSAGE.setClock(seconds), isLength(0))) !== null;
};

const readRecord = (line: MeterLine, number: number): Promise<Answer<Uint8Array> | null> =>
  exchange(line, MESSAGE.record(number), isLength(RECORD_LENGTH));

const readCount = async (line: MeterLine): Promise<number | null> => {
  const answer = await exchange(line, MESSAGE.count, isLength(2));
  return answer === null ? null : u16(answer.record, 0);
};

const createTalk = (): MeterTalk => {
  const memory = createNumberedMemory({ most: MOST_RECORDS, count: readCount, record: readRecord });
  let serial: string | null = null;

  return {
    visit: async (line) => {
      const first = await readClock(line, HELLO);
      if (first === null) {
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
          clock: { setsTo: "seconds", read: () => readClock(line), set: (local) => setClock(line, local) },
          memories,
        },
      };
    },
  };
};

const decode = (raw: Uint8Array): Decoded<VerioRecord> => {
  const data = dataOf(raw, isLength(RECORD_LENGTH));
  if (data === null) return malformed("format", "LifeScan record: not of 10 octets");
  if (data.tag === "malformed") return data;
  const control = u8(data.record, 6);
  const meal = MEALS[u8(data.record, 7)];
  if (control > 1 || meal === undefined) return malformed("unsupported", "LifeScan record: unknown mark");
  return decoded({ time: timeAt(data.record, 0, EPOCH), mgPerDl: u16(data.record, 4), control: control === 1, meal });
};

/** LifeScan OneTouch Verio IQ: 38 400 baud over its own USB connector, the frames of the UltraEasy. */
const protocol: MeterProtocol<VerioRecord> = {
  id: driverId("lifescan-verio"),
  version: LIFESCAN_VERIO_VERSION,
  source: "lifescan-verio",
  // Three answers of 18 octets.
  unreadableAfter: 54,
  createFramer: createLifescanBinaryFramer,
  createTalk,
  recognise: () => "own",
  decode,
  identityOf: lifescanMessageOf,
  timeOf: (record) => record.time,
  measure: ({ mgPerDl, ...record }) =>
    meterGlucose({
      ...record,
      sample: "capillary-plasma",
      value: mgPerDlWithin(mgPerDl, RANGE),
      unit: "mg/dL",
    }),
};

export const createLifescanVerioDriver = (): SensorDriver<VerioRecord> => createMeterDriver(protocol);
