import { driverId } from "../../protocol/ids.ts";
import { millis } from "../../protocol/time.ts";
import type { DateTime } from "../decode/date-time.ts";
import { decimal } from "../decode/float.ts";
import { lineText } from "../decode/line-text.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createLineFramer } from "../framer/line.ts";
import { type MeterGlucose, meterGlucose } from "../normalise/meters/glucose.ts";
import type { Measurement } from "../normalise/reading.ts";
import { createDumpPace } from "./dump-pace.ts";
import { shownBefore } from "./meter-clock.ts";
import { HELLO, type MeterLine } from "./meter-line.ts";
import {
  type ClockShown,
  type MeterProtocol,
  type MeterTalk,
  SILENT,
  type Stored,
  type StoredMemory,
} from "./meter-protocol.ts";
import {
  decodeOptiumMemory,
  decodeOptiumResult,
  isOptiumEnd,
  type OptiumMemory,
  type OptiumRecord,
} from "./optium-memory.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const ABBOTT_OPTIUM_VERSION = "1.0.0";

/** Lines follow one another without a pause: 40 octets at 19 200 baud take 21 ms. */
const LINE_WITHIN = millis(1000);
/** 450 results, and the lines around them; twice that. */
const MOST_LINES = 1000;
const DUMP_ATTEMPTS = 3;

const command = (text: string): Uint8Array => Buffer.from(`$${text}\r\n`, "latin1");

const two = (value: number): string => String(value % 100).padStart(2, "0");

/** `Usage:` TAB and the number of results, a line of the answer to `$colq`. */
const USAGE = /^Usage:\t(\d+)$/;

const COLQ_LINE = /^(S\/N|Ver|Clock|Market|ROM|Usage):\t|^CMD OK$/;

/** Lines of an answer that came late; those around the results are short and few. */
const isOwn = (frame: Uint8Array): boolean => {
  const line = lineText("Optium line", frame);
  if (line.tag === "malformed") return false;
  return COLQ_LINE.test(line.record) || isOptiumEnd(frame) || decodeOptiumResult(frame).tag === "ok";
};

const usageIn = (frame: Uint8Array): Decoded<string> | null => {
  const line = lineText("Optium line", frame);
  if (line.tag === "malformed") return line;
  const [, count] = USAGE.exec(line.record) ?? [];
  if (count !== undefined) return decoded(count);
  return COLQ_LINE.test(line.record) ? null : malformed("format", "Optium line: none that $colq is answered with");
};

interface Dump {
  readonly memory: OptiumMemory;
  readonly shown: ClockShown;
}

const readDump = async (line: MeterLine): Promise<Dump | null> => {
  await line.quiet();
  const asked = line.stamp();
  await line.say(command("xmem"));
  const lines: Uint8Array[] = [];
  let answered = asked;
  while (lines.length < MOST_LINES) {
    const heard = await line.hear(LINE_WITHIN);
    if (heard.tag === "silence") return null;
    // The empty line at the beginning is noise to a framer of lines; what else is, the checksum shows.
    if (heard.tag === "damaged") continue;
    if (lines.length === 0) answered = heard.at;
    lines.push(heard.bytes);
    if (!isOptiumEnd(heard.bytes)) continue;
    const memory = decodeOptiumMemory(lines);
    if (memory.tag === "malformed") return null;
    line.understood();
    return { memory: memory.record, shown: { shown: memory.record.clock, asked, answered } };
  }
  return null;
};

const readDumpInTheEnd = async (line: MeterLine): Promise<Dump | null> => {
  for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
    const dump = await readDump(line);
    if (dump !== null) return dump;
  }
  return null;
};

const setClock = async (line: MeterLine, { year, month, day, hour, minute }: DateTime): Promise<boolean> => {
  const answer = await line.ask({
    bytes: command(`tim,${two(month)},${two(day)},${two(year)},${two(hour)},${two(minute)}`),
    understand: (frame) => {
      const said = lineText("Optium line", frame);
      return said.tag === "ok" && said.record === "CMD OK" ? decoded(true) : null;
    },
  });
  return answer !== null;
};

const LOST: StoredMemory = {
  name: "",
  order: "unordered",
  read: async function* (): AsyncGenerator<Stored, void, undefined> {
    yield { tag: "lost" };
  },
};

const createTalk = (): MeterTalk => {
  const pace = createDumpPace();

  const memoryOf = ({ results }: OptiumMemory, { answered }: ClockShown): StoredMemory => ({
    name: "",
    order: "unordered",
    read: async function* (): AsyncGenerator<Stored, void, undefined> {
      for (const raw of results) yield { tag: "record", raw, at: answered };
    },
  });

  return {
    visit: async (line) => {
      const usage = await line.ask({ ...HELLO, bytes: command("colq"), understand: usageIn });
      if (usage === null) {
        pace.forget();
        return SILENT;
      }
      const began = line.elapsed();
      if (!pace.isDue(usage.record, began)) {
        return { tag: "open", visit: { serial: null, clock: null, memories: [] } };
      }
      const dump = await readDumpInTheEnd(line);
      if (dump === null) return { tag: "open", visit: { serial: null, clock: null, memories: [LOST] } };
      pace.done(usage.record, began, line.elapsed());
      return {
        tag: "open",
        visit: {
          serial: dump.memory.serial,
          clock: {
            setsTo: "minutes",
            read: shownBefore(dump.shown, async () => (await readDumpInTheEnd(line))?.shown ?? null),
            set: (local) => setClock(line, local),
          },
          memories: [memoryOf(dump.memory, dump.shown)],
        },
      };
    },
  };
};

const decode = (raw: Uint8Array): Decoded<OptiumRecord> => {
  const result = decodeOptiumResult(raw);
  if (result.tag === "malformed" || result.record.kind === "glucose") return result;
  return malformed("unsupported", "Optium result: of ketone, whose unit is not known");
};

const VALUES = { high: "above", low: "below" } as const;

const glucoseOf = (value: OptiumRecord["value"]): MeterGlucose["value"] =>
  typeof value === "number" ? decimal(value, 0) : VALUES[value];

const measure = (record: OptiumRecord): Measurement => {
  const measurement = meterGlucose({
    sample: "generic",
    value: glucoseOf(record.value),
    unit: "mg/dL",
    control: record.control,
    meal: "none",
    time: record.time,
  });
  return record.isTimeLost
    ? { ...measurement, flags: ["clock-not-set"], quality: [...measurement.quality, "questionable"] }
    : measurement;
};

/** Abbott FreeStyle Optium (Precision Xtra): 19 200 baud, lines of text, everything under one checksum. */
const protocol: MeterProtocol<OptiumRecord> = {
  id: driverId("abbott-optium"),
  version: ABBOTT_OPTIUM_VERSION,
  source: "abbott-optium",
  // A memory of a few results; what a spoiled line is told by is the checksum of the whole.
  unreadableAfter: 1024,
  createFramer: () => createLineFramer(),
  createTalk,
  recognise: (frame) => (isOwn(frame) ? "own" : "foreign"),
  decode,
  identityOf: (raw) => raw,
  timeOf: (record) => record.time,
  measure,
};

export const createAbbottOptiumDriver = (): SensorDriver<OptiumRecord> => createMeterDriver(protocol);
