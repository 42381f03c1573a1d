import { driverId } from "../../protocol/ids.ts";
import { decodeVisomatMemory, type VisomatMemory, type VisomatReading } from "../decode/visomat.ts";
import { type Decoded, decoded, malformed, type SensorDriver } from "../driver.ts";
import { createStxEtxFramer } from "../framer/stx-etx.ts";
import { meterPressure } from "../normalise/meters/pressure.ts";
import type { Measurement } from "../normalise/reading.ts";
import { HELLO, type MeterLine } from "./meter-line.ts";
import { type MeterProtocol, type MeterTalk, SILENT, type Stored, type StoredMemory } from "./meter-protocol.ts";
import { createMeterDriver } from "./serial-driver.ts";

export const VISOMAT_VERSION = "1.0.0";

export interface VisomatRecord extends VisomatReading {
  readonly user: number;
}

const text = (characters: string): Uint8Array => Buffer.from(characters, "latin1");

/**
 * Everything that the cuff holds. Its other known requests are the time, whose answer nobody has documented, and the
 * start of a measurement, which is the patient's to give.
 */
const READ_ALL = text("\x02R00\x03");
/** Answers that are asked for until two of them are equal. */
const MOST_ATTEMPTS = 4;

interface Dump {
  readonly memories: readonly VisomatMemory[];
  readonly raw: Uint8Array;
}

const readDump = async (line: MeterLine): Promise<Dump | null> => {
  const answer = await line.ask({
    ...HELLO,
    bytes: READ_ALL,
    understand: (frame) => decodeVisomatMemory(frame),
  });
  return answer === null ? null : { memories: answer.record, raw: answer.raw };
};

const isEqual = (one: Dump | null, other: Dump): boolean =>
  one !== null && Buffer.from(one.raw).equals(Buffer.from(other.raw));

const two = (value: number): string => String(value % 100).padStart(2, "0");
const three = (value: number): string => String(value).padStart(3, "0");

/** One record as the cuff sends a memory of one: so it stands in provenance. */
const rawOf = (user: number, { time, flag, systolic, diastolic, pulse }: VisomatReading): Uint8Array => {
  const stamp = [time.year, time.month, time.day, time.hour, time.minute].map(two).join("");
  return text(`M${user}01${stamp}${flag}${three(systolic)}${three(diastolic)}${three(pulse)}`);
};

const createTalk = (): MeterTalk => {
  let last: Dump | null = null;

  const memoryOf = ({ user, readings }: VisomatMemory, at: ReturnType<MeterLine["stamp"]>): StoredMemory => ({
    name: `user-${user}`,
    order: "unordered",
    read: async function* (): AsyncGenerator<Stored, void, undefined> {
      for (const reading of readings) yield { tag: "record", raw: rawOf(user, reading), at };
    },
  });

  return {
    visit: async (line) => {
      const first = await readDump(line);
      if (first === null) {
        last = null;
        return SILENT;
      }
      const at = line.stamp();
      if (isEqual(last, first)) return { tag: "open", visit: { serial: null, clock: null, memories: [] } };
      // No checksum: only what comes twice the same is believed.
      let previous = first;
      for (let attempt = 2; attempt <= MOST_ATTEMPTS; attempt++) {
        const again = await readDump(line);
        if (again === null) continue;
        if (isEqual(previous, again)) {
          last = again;
          const memories = again.memories.map((memory) => memoryOf(memory, at));
          return { tag: "open", visit: { serial: null, clock: null, memories } };
        }
        previous = again;
      }
      return SILENT;
    },
  };
};

const decode = (raw: Uint8Array): Decoded<VisomatRecord> => {
  const memories = decodeVisomatMemory(raw);
  if (memories.tag === "malformed") return memories;
  const [memory] = memories.record;
  const [reading] = memory?.readings ?? [];
  return memory === undefined || reading === undefined
    ? malformed("format", "Visomat record: a memory without one")
    : decoded({ ...reading, user: memory.user });
};

/** The digit of unknown meaning stays as it is: arrhythmia, or a failed check, are guesses of the source. */
const measure = ({ user, flag, ...result }: VisomatRecord): Measurement =>
  meterPressure({ ...result, context: { userSlot: user, mark: flag } });

/** Visomat Double Comfort (Prevention DS-2200PV): one packet with everything for two users, without a checksum. */
const protocol: MeterProtocol<VisomatRecord> = {
  id: driverId("visomat"),
  version: VISOMAT_VERSION,
  source: "visomat-memory",
  // Three of the largest packets, which are spoiled as a whole.
  unreadableAfter: 3 * 2410,
  createFramer: () => createStxEtxFramer(),
  createTalk,
  recognise: (frame) => (decodeVisomatMemory(frame).tag === "ok" ? "own" : "foreign"),
  decode,
  identityOf: (raw) => raw,
  timeOf: (record) => record.time,
  measure,
};

export const createVisomatDriver = (): SensorDriver<VisomatRecord> => createMeterDriver(protocol);
