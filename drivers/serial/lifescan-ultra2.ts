import { toHex } from "../../protocol/bytes.ts";
import { driverId } from "../../protocol/ids.ts";
import { millis } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import { decodeUltra2Line, type Ultra2Record, ultra2Comment } from "../decode/lifescan-ultra2.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createLineFramer } from "../framer/line.ts";
import { type GlucoseRange, meterGlucose, mgPerDlWithin } from "../normalise/meters/glucose.ts";
import type { Measurement } from "../normalise/reading.ts";
import { createDumpPace } from "./dump-pace.ts";
import { shownBefore } from "./meter-clock.ts";
import { type Effort, HELLO, type MeterLine, type Question } from "./meter-line.ts";
import { type ClockShown, type MeterProtocol, type MeterTalk, SILENT, type Stored } from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const LIFESCAN_ULTRA2_VERSION = "1.0.0";

type Ultra2Reading = Extract<Ultra2Record, { readonly tag: "reading" }>;
type Said<T extends Ultra2Record["tag"]> = Extract<Ultra2Record, { readonly tag: T }>;

/** The meter shows HIGH above 600 mg/dL (owner's booklet) and LOW below 20 (Tidepool, oneTouchUltra2.js). */
const RANGE: GlucoseRange = { lowest: 20, highest: 600 };
/** Lines of a dump follow one another without a pause: 60 octets at 9600 baud take 63 ms. */
const LINE_WITHIN = millis(1500);
/** Spoiled lines that are looked at again in the next dump. */
const MAX_SUSPECTS = 16;

/** DC1 and CR wake the meter's listener (glucometerutils otultra2.py, Tidepool oneTouchUltra2.js). */
const command = (text: string): Uint8Array => Buffer.from(`\x11\r${text}`, "latin1");

const two = (value: number): string => String(value % 100).padStart(2, "0");

/** `DMT06/15/26 17:17:27`, month first. */
export const ultra2SetClock = ({ year, month, day, hour, minute, second }: DateTime): Uint8Array =>
  command(`DMT${two(month)}/${two(day)}/${two(year)} ${two(hour)}:${two(minute)}:${two(second ?? 0)}\r`);

/** A question that is answered with one line of a kind; lines of other kinds are left over from before. */
const question = <T extends Ultra2Record["tag"]>(bytes: Uint8Array, tag: T): Question<Said<T>> => ({
  bytes,
  understand: (frame) => {
    const line = decodeUltra2Line(frame);
    if (line.tag === "malformed") return line;
    return line.record.tag === tag ? decoded(line.record as Said<T>) : null;
  },
});

const READ_CLOCK = question(command("DMF"), "clock");

const readClock = async (line: MeterLine, how: Effort = {}): Promise<ClockShown | null> => {
  const answer = await line.ask({ ...READ_CLOCK, ...how });
  return answer === null ? null : { shown: answer.record.time, asked: answer.asked, answered: answer.answered };
};

const NOT_ULTRA2 = "";
/** A whole number: one that lost a letter on the line is no other meter's. */
const SERIAL_LINE = /^@ "[A-Z0-9]{9}" [0-9A-F]{4}\r?\n?$/;

/** The number, or `NOT_ULTRA2` for one that is not of an Ultra 2: the maker's other meters speak alike. */
const READ_SERIAL: Question<string> = {
  bytes: command("DM@"),
  understand: (frame) => {
    const line = decodeUltra2Line(frame);
    if (line.tag === "ok") return line.record.tag === "serial" ? decoded(line.record.serial) : null;
    const isWhole = line.reason === "format" && SERIAL_LINE.test(Buffer.from(frame).toString("latin1"));
    return isWhole ? decoded(NOT_ULTRA2) : line;
  },
};

/** Asked once: a second dump on the heels of a spoiled header would be taken for the first. */
const DUMP = { ...question(command("DMP"), "header"), patience: millis(3000), attempts: 1 };

const createTalk = (): MeterTalk => {
  const pace = createDumpPace();
  /** Known while the meter answers; another one may be at the cable after a silence. */
  let serial: string | null = null;
  /** Lines that made no sense in the last dump. One that comes again unchanged is not spoiled: it is so in the meter. */
  let suspects = new Set<string>();

  async function* dump(line: MeterLine): AsyncGenerator<Stored, void, undefined> {
    const began = line.elapsed();
    const before = suspects;
    suspects = new Set();
    const header = await line.ask(DUMP);
    if (header === null) {
      await line.quiet();
      yield { tag: "lost" };
      return;
    }
    let isWhole = true;
    let isOver = false;
    let previous = "";
    try {
      for (let left = header.record.count; left > 0; ) {
        const heard = await line.hear(LINE_WITHIN);
        if (heard.tag === "silence") {
          isOver = true;
          isWhole = false;
          yield { tag: "lost" };
          return;
        }
        if (heard.tag === "damaged") continue;
        const hex = toHex(heard.bytes);
        // A line that came twice is one record: the meter stamps seconds, and a test takes five of them.
        if (hex === previous) continue;
        previous = hex;
        const said = decodeUltra2Line(heard.bytes);
        if (said.tag === "ok" && said.record.tag !== "reading") continue;
        left -= 1;
        if (said.tag === "ok") line.understood();
        if (said.tag === "malformed" && !before.has(hex)) {
          if (suspects.size < MAX_SUSPECTS) suspects.add(hex);
          isWhole = false;
          yield { tag: "lost" };
        } else yield { tag: "record", raw: heard.bytes, at: heard.at };
      }
      isOver = true;
      if (isWhole) pace.done(null, began, line.elapsed());
    } finally {
      // Whoever had enough is not interested in the rest, which the meter sends all the same.
      if (!isOver) {
        await line.quiet();
        if (isWhole) pace.done(null, began, line.elapsed());
      }
    }
  }

  return {
    visit: async (line) => {
      const first = await readClock(line, HELLO);
      if (first === null) {
        pace.forget();
        serial = null;
        return SILENT;
      }
      serial ??= (await line.ask(READ_SERIAL))?.record ?? null;
      if (serial === null) return SILENT;
      if (serial === NOT_ULTRA2) {
        serial = null;
        return { tag: "other-meter", found: "a LifeScan meter that is not an Ultra 2" };
      }
      return {
        tag: "open",
        visit: {
          serial,
          clock: {
            setsTo: "seconds",
            read: shownBefore(first, () => readClock(line)),
            set: async (local) => (await line.ask(question(ultra2SetClock(local), "clock"))) !== null,
          },
          memories: pace.isDue(null, line.elapsed())
            ? [{ name: "", order: "newest-first", read: () => dump(line) }]
            : [],
        },
      };
    },
  };
};

const decode = (raw: Uint8Array): Decoded<Ultra2Reading> => {
  const line = decodeUltra2Line(raw);
  if (line.tag === "malformed") return line;
  return line.record.tag === "reading"
    ? decoded(line.record)
    : malformed("format", `Ultra 2 line: a ${line.record.tag} where a reading was to come`);
};

const measure = (record: Ultra2Reading): Measurement => {
  const comment = ultra2Comment(record.comment);
  return meterGlucose({
    // Capillary blood (owner's booklet, intended use), plasma-calibrated.
    sample: "capillary-plasma",
    value: record.parityError ? "error" : mgPerDlWithin(record.mgPerDl, RANGE),
    unit: "mg/dL",
    control: record.control,
    meal: record.meal,
    time: record.time,
    ...(comment === "none" ? {} : { context: { comment } }),
  });
};

/** Date, time and result. What follows them, meal and comment, the patient may change afterwards. */
const IDENTITY = /^P "[A-Z]{3}","[^"]*","[^"]*","[^"]*"/;

const identityOf = (raw: Uint8Array): Uint8Array => {
  const [identity] = IDENTITY.exec(Buffer.from(raw).toString("latin1")) ?? [];
  return identity === undefined ? raw : Buffer.from(identity, "latin1");
};

/** LifeScan OneTouch Ultra 2 over its cable: 9600 baud, lines of ASCII with a checksum each. */
const protocol: MeterProtocol<Ultra2Reading> = {
  id: driverId("lifescan-ultra2"),
  version: LIFESCAN_ULTRA2_VERSION,
  source: "lifescan-ultra2",
  // Seven lines of a dump: a bad line may spoil several in a row.
  unreadableAfter: 420,
  createFramer: () => createLineFramer(),
  createTalk,
  recognise: (frame) => (decodeUltra2Line(frame).tag === "ok" ? "own" : "foreign"),
  decode,
  identityOf,
  timeOf: (record) => record.time,
  measure,
};

export const createLifescanUltra2Driver = (): SensorDriver<Ultra2Reading> => createMeterDriver(protocol);
