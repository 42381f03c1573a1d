import { driverId } from "../../protocol/ids.ts";
import {
  ASTM,
  type AstmHeader,
  type AstmResult,
  decodeAstmFrame,
  decodeAstmHeader,
  decodeAstmResult,
} from "../decode/astm.ts";
import type { DateTime } from "../decode/date-time.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createAstmFramer } from "../framer/astm.ts";
import { type GlucoseSample, type MeterGlucose, meterGlucose } from "../normalise/meters/glucose.ts";
import type { Measurement } from "../normalise/reading.ts";
import { type AstmReceiver, createAstmReceiver, pokeAstm, tellAstm } from "./astm-receiver.ts";
import { createDumpPace } from "./dump-pace.ts";
import { shownBefore } from "./meter-clock.ts";
import type { MeterLine } from "./meter-line.ts";
import { type ClockShown, type MeterProtocol, type MeterTalk, SILENT, type Stored } from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const CONTOUR_VERSION = "1.0.0";

/** A result with the time that every result of a meter has. */
export type ContourRecord = AstmResult & { readonly time: DateTime; readonly unit: "mg/dL" | "mmol/L" };

/** The largest memory, 2000 (Contour USB), and header, patient and end. */
const MOST_FRAMES = 2100;
/** Field of the header with the number of results that follow. */
const COUNT_FIELD = 6;
const SET_ATTEMPTS = 3;

const text = (line: string): Uint8Array => Buffer.from(line, "latin1");
const two = (value: number): string => String(value % 100).padStart(2, "0");

/**
 * In the order in which the meter wants them (Tidepool, bayerContour.js and bayerContourNext.js): a command ends with its
 * bar, and only a value with CR.
 */
const settingOf = ({ year, month, day, hour, minute }: DateTime): readonly Uint8Array[] => [
  text("W|"),
  text("D|"),
  text(`${two(year)}${two(month)}${two(day)}|\r`),
  text("W|"),
  text("T|"),
  text(`${two(hour)}${two(minute)}|\r`),
];

/** A bid that was taken: the header, with the moments between which it was made, and the rest of the message. */
interface Message {
  readonly header: AstmHeader;
  readonly count: string;
  readonly shown: ClockShown | null;
  readonly receiver: AstmReceiver;
}

type Opened =
  | { readonly tag: "message"; readonly message: Message }
  | { readonly tag: "silent" }
  | { readonly tag: "other" };

const openMessage = async (line: MeterLine, isCalled: boolean): Promise<Opened> => {
  const asked = line.stamp();
  if (!isCalled && !(await pokeAstm(line))) return { tag: "silent" };
  const receiver = createAstmReceiver(line);
  const first = await receiver.next();
  if (first.tag !== "frame") return { tag: "silent" };
  const answered = line.stamp();
  const header = decodeAstmHeader(text(first.frame.text));
  // The frame is whole: what it says is so.
  if (header.tag === "malformed") return { tag: "other" };
  const { time } = header.record;
  const count = first.frame.text.split("|")[COUNT_FIELD] ?? "";
  const shown = time === null ? null : { shown: time, asked, answered };
  return { tag: "message", message: { header: header.record, count, shown, receiver } };
};

const setClock = async (line: MeterLine, local: DateTime): Promise<boolean> => {
  for (let attempt = 1; attempt <= SET_ATTEMPTS; attempt++) {
    let isTaken = await tellAstm(line, Uint8Array.of(ASTM.enq));
    for (const command of isTaken ? settingOf(local) : []) {
      isTaken = isTaken && (await tellAstm(line, command));
    }
    await line.say(Uint8Array.of(ASTM.eot));
    await line.quiet();
    if (isTaken) return true;
  }
  return false;
};

/** Its clock again: it stands in the header of a message that is not wanted. */
const readClockAgain = async (line: MeterLine): Promise<ClockShown | null> => {
  const opened = await openMessage(line, false);
  await line.say(Uint8Array.of(ASTM.eot));
  await line.quiet();
  return opened.tag === "message" ? opened.message.shown : null;
};

const createTalk = (): MeterTalk => {
  const pace = createDumpPace();

  /** Results as they come, oldest first. A frame is confirmed when the one after it is asked for. */
  async function* results(line: MeterLine, { receiver, count }: Message): AsyncGenerator<Stored, void, undefined> {
    const began = line.elapsed();
    let isOver = false;
    try {
      for (let frames = 0; frames < MOST_FRAMES; frames++) {
        const received = await receiver.next();
        if (received.tag !== "frame") {
          isOver = true;
          yield { tag: "lost" };
          return;
        }
        const type = received.frame.text[0];
        if (type === "R") yield { tag: "record", raw: received.raw, at: line.stamp() };
        if (type !== "L") continue;
        // The terminator: what the sender says after its acknowledgement is EOT.
        await receiver.next();
        isOver = true;
        pace.done(count, began, line.elapsed());
        return;
      }
    } finally {
      if (!isOver) await line.say(Uint8Array.of(ASTM.eot));
    }
  }

  return {
    visit: async (line, isCalled) => {
      const opened = await openMessage(line, isCalled);
      if (opened.tag === "other") return { tag: "other-meter", found: "a sender of ASTM that is no Contour meter" };
      if (opened.tag === "silent") {
        pace.forget();
        return SILENT;
      }
      const { message } = opened;
      const isDue = pace.isDue(message.count, line.elapsed());
      if (!isDue) await line.say(Uint8Array.of(ASTM.eot));
      return {
        tag: "open",
        visit: {
          serial: message.header.serial,
          clock: {
            setsTo: "minutes",
            read: shownBefore(message.shown, () => readClockAgain(line)),
            set: (local) => setClock(line, local),
          },
          memories: isDue ? [{ name: "", order: "oldest-first", read: () => results(line, message) }] : [],
        },
      };
    },
  };
};

const decode = (raw: Uint8Array): Decoded<ContourRecord> => {
  const frame = decodeAstmFrame(raw);
  if (frame.tag === "malformed") return frame;
  const result = decodeAstmResult(text(frame.record.text));
  if (result.tag === "malformed") return result;
  const { test, unit, time } = result.record;
  if (test !== "Glucose") return malformed("unsupported", "Contour result: not of glucose");
  if (unit !== "mg/dL" && unit !== "mmol/L") return malformed("unsupported", "Contour result: unknown unit");
  // Results of the older Contour (7150) have their time in the twelfth field, and an average among them.
  return time === null
    ? malformed("unsupported", "Contour result: no time in the ninth field")
    : decoded({ ...result.record, unit, time });
};

/** Without the number of frame and record, which shift. */
const identityOf = (raw: Uint8Array): Uint8Array => {
  const frame = decodeAstmFrame(raw);
  if (frame.tag === "malformed") return raw;
  const [type = "", , ...rest] = frame.record.text.split("|");
  return text([type, ...rest].join("|"));
};

const SAMPLES: Readonly<Record<string, GlucoseSample>> = { P: "undetermined-plasma", B: "undetermined-whole-blood" };

const valueIn = ({ value, valueText }: ContourRecord, marks: ReadonlySet<string>): MeterGlucose["value"] => {
  if (marks.has(">") || valueText === "HI") return "above";
  if (marks.has("<") || valueText === "LO") return "below";
  return value ?? "error";
};

const mealIn = (marks: ReadonlySet<string>): MeterGlucose["meal"] => {
  if (marks.has("B")) return "before";
  return marks.has("A") ? "after" : "none";
};

const measure = (record: ContourRecord): Measurement => {
  const marks = new Set(record.flags.split("/").filter((mark) => mark !== ""));
  return meterGlucose({
    sample: SAMPLES[record.reference] ?? "generic",
    value: valueIn(record, marks),
    unit: record.unit,
    control: marks.has("C"),
    meal: mealIn(marks),
    time: record.time,
    ...(marks.size === 0 ? {} : { context: { marks: [...marks].join("/") } }),
  });
};

/** Ascensia (Bayer) Contour meters of the USB generation over ASTM E1381 and E1394. It bids by itself when plugged in. */
const protocol: MeterProtocol<ContourRecord> = {
  id: driverId("ascensia-contour"),
  version: CONTOUR_VERSION,
  source: "contour-astm",
  // The header is 230 octets, a result 60.
  unreadableAfter: 512,
  createFramer: createAstmFramer,
  createTalk,
  recognise: (frame) => (frame.length === 1 && frame[0] === ASTM.enq ? "call" : "own"),
  decode,
  identityOf,
  timeOf: (record) => record.time,
  measure,
};

export const createContourDriver = (): SensorDriver<ContourRecord> => createMeterDriver(protocol);
