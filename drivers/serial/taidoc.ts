import { driverId } from "../../protocol/ids.ts";
import type { DateTime } from "../decode/date-time.ts";
import { u16 } from "../decode/field.ts";
import { decodeTaidocDateTime, decodeTaidocFrame } from "../decode/taidoc.ts";
import { type Decoded, decoded, type SensorDriver } from "../driver.ts";
import { createTaidocFramer } from "../framer/taidoc.ts";
import { type GlucoseRange, meterGlucose, mgPerDlWithin } from "../normalise/meters/glucose.ts";
import { meterPressure } from "../normalise/meters/pressure.ts";
import { type Answer, type Effort, HELLO, type MeterLine } from "./meter-line.ts";
import {
  type ClockShown,
  type MeterProtocol,
  type MeterTalk,
  SILENT,
  type Stored,
  type Unasked,
} from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";
import { type TaidocCommand, taidocClock, taidocCodeOf, taidocCommand, taidocRecordNumber } from "./taidoc-command.ts";
import {
  decodeTaidocGlucoseRecord,
  decodeTaidocPressureRecord,
  type TaidocGlucoseRecord,
  type TaidocPressureRecord,
  taidocIdentityOf,
} from "./taidoc-record.ts";

export const TAIDOC_VERSION = "1.0.0";

/** With it a meter says that it is ready to talk, as after a press of its button. */
const COMMUNICATION = 0x54;
/** The largest memory known is 450; twice that. */
const MOST_RECORDS = 900;
/** Tidepool, glucoRxDriver.js: "HI > 600 and LO < 20". */
const RANGE: GlucoseRange = { lowest: 20, highest: 600 };

/** Data of the answer to a command, which repeats it; frames to other commands are left over from before. */
const exchange = (
  line: MeterLine,
  command: TaidocCommand,
  data: readonly number[] = [],
  how: Effort = {},
): Promise<Answer<Uint8Array> | null> =>
  line.ask({
    ...how,
    bytes: taidocCommand(command, data),
    understand: (bytes) => {
      const frame = decodeTaidocFrame(bytes);
      if (frame.tag === "malformed") return frame;
      const { direction, message } = frame.record;
      return direction === "device-to-host" && frame.record.command === taidocCodeOf(command) ? decoded(message) : null;
    },
  });

/** Digits in binary code, least significant octet first: `77 42` is 4277. */
const digitsOf = (data: Uint8Array): string => Buffer.from(data.toReversed()).toString("hex");

const readSerialOnce = async (line: MeterLine): Promise<string | null> => {
  const later = await exchange(line, "serialLater");
  const former = later === null ? null : await exchange(line, "serialFormer");
  return later === null || former === null ? null : `${digitsOf(former.record)}${digitsOf(later.record)}`;
};

/** Twice the same: a number is asked for once while the meter answers, under a checksum of eight bits. */
const readSerial = async (line: MeterLine): Promise<string | null> => {
  const serial = await readSerialOnce(line);
  return serial !== null && (await readSerialOnce(line)) === serial ? serial : null;
};

const shownBy = (answer: Answer<Uint8Array> | null): ClockShown | null => {
  const time = answer === null ? null : decodeTaidocDateTime(answer.record);
  if (answer === null || time === null || time.tag === "malformed") return null;
  return { shown: time.record, asked: answer.asked, answered: answer.answered };
};

const readClock = async (line: MeterLine): Promise<ClockShown | null> => shownBy(await exchange(line, "clock"));

const setClock = async (line: MeterLine, local: DateTime): Promise<boolean> =>
  (await exchange(line, "setClock", taidocClock(local))) !== null;

/** The two answers about a record, one after the other. */
const readRecord = async (line: MeterLine, number: number): Promise<Stored> => {
  const time = await exchange(line, "readingTime", taidocRecordNumber(number));
  const value = time === null ? null : await exchange(line, "readingValue", taidocRecordNumber(number));
  return time === null || value === null
    ? { tag: "lost" }
    : { tag: "record", raw: Uint8Array.from([...time.raw, ...value.raw]), at: value.answered };
};

async function* records(line: MeterLine): AsyncGenerator<Stored, void, undefined> {
  const counted = await exchange(line, "readingCount");
  if (counted === null) yield { tag: "lost" };
  const count = counted === null ? 0 : Math.min(u16(counted.record, 0), MOST_RECORDS);
  let previous = "";
  for (let number = 0; number < count; number++) {
    let stored = await readRecord(line, number);
    if (stored.tag === "record" && Buffer.from(stored.raw).toString("hex") === previous) {
      // Two tests in one minute with one result, or an answer that came twice: after a pause it can only be the first.
      await line.quiet();
      stored = await readRecord(line, number);
    }
    yield stored;
    if (stored.tag === "lost") return;
    previous = Buffer.from(stored.raw).toString("hex");
  }
}

/** `models`: how the model numbers of the kind that is read begin. */
const createTalk = (models: RegExp, other: string) => (): MeterTalk => {
  let serial: string | null = null;
  return {
    visit: async (line) => {
      const model = await exchange(line, "model", [], HELLO);
      if (model === null) {
        serial = null;
        return SILENT;
      }
      const number = digitsOf(model.record.subarray(0, 2));
      if (!models.test(number)) return { tag: "other-meter", found: `a TaiDoc meter of model ${number}, ${other},` };
      serial ??= await readSerial(line);
      if (serial === null) return SILENT;
      return {
        tag: "open",
        visit: {
          serial,
          clock: { setsTo: "minutes", read: () => readClock(line), set: (local) => setClock(line, local) },
          memories: [{ name: "", order: "newest-first", read: () => records(line) }],
        },
      };
    },
  };
};

const recognise = (bytes: Uint8Array): Unasked => {
  const frame = decodeTaidocFrame(bytes);
  if (frame.tag === "malformed") return "foreign";
  const { direction, command } = frame.record;
  return direction === "device-to-host" && command === COMMUNICATION ? "call" : "own";
};

/** What glucose meters and cuffs of the maker have in common. The time of a record is its only mark: a minute. */
const taidocProtocol = <R extends { readonly time: DateTime }>(
  own: Pick<MeterProtocol<R>, "id" | "source" | "createTalk" | "measure"> & { decode(raw: Uint8Array): Decoded<R> },
): MeterProtocol<R> => ({
  version: TAIDOC_VERSION,
  // Eight answers of 8 octets.
  unreadableAfter: 64,
  createFramer: createTaidocFramer,
  recognise,
  identityOf: taidocIdentityOf,
  timeOf: (record) => record.time,
  ...own,
});

/** Glucose meters of TaiDoc (FORA, GlucoRx). Ketone, haematocrit and the like are kept, and not taken for glucose. */
const glucose = taidocProtocol<TaidocGlucoseRecord>({
  id: driverId("taidoc-glucose"),
  source: "taidoc-glucose",
  createTalk: createTalk(/^4/, "which does not measure glucose alone"),
  decode: decodeTaidocGlucoseRecord,
  measure: ({ mgPerDl, control, meal, time }) =>
    meterGlucose({
      // Some of the maker's models show plasma, some whole blood, and the record does not say.
      sample: "generic",
      value: mgPerDlWithin(mgPerDl, RANGE),
      unit: "mg/dL",
      control,
      meal: control ? "none" : meal,
      time,
    }),
});

/** Cuffs of TaiDoc (FORA), as far as two public sources agree; of cuffs with several users, the first. */
const pressure = taidocProtocol<TaidocPressureRecord>({
  id: driverId("taidoc-pressure"),
  source: "taidoc-pressure",
  createTalk: createTalk(/^3/, "which is no cuff"),
  decode: decodeTaidocPressureRecord,
  measure: ({ irregular, average, ...record }) =>
    meterPressure({
      ...record,
      flags: [...(irregular ? ["irregular-pulse"] : []), ...(average ? ["average"] : [])],
    }),
});

export const createTaidocGlucoseDriver = (): SensorDriver<TaidocGlucoseRecord> => createMeterDriver(glucose);
export const createTaidocPressureDriver = (): SensorDriver<TaidocPressureRecord> => createMeterDriver(pressure);
