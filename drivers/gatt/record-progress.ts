import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { RecordEntry } from "./profile.ts";
import type { AccessRequest } from "./record-access.ts";

const KEY = "records";
const SEQUENCES = 0x10000;
/** This close to where 16-bit numbers begin again, "at least" would leave out those after it: all is asked for. */
const NEAR_WRAP = SEQUENCES - 0x100;

/** What is remembered of a sensor's memory: the newest record that is durable here, and the run that it belongs to. */
interface Remembered extends RecordEntry {
  readonly run: string;
}

const parse = (text: string | null): Remembered | null => {
  if (text === null || text === "") return null;
  try {
    const { run, sequence, mark } = JSON.parse(text) as Partial<Remembered>;
    const isWhole = typeof run === "string" && typeof mark === "string" && Number.isSafeInteger(sequence);
    return isWhole && sequence !== undefined ? { run, sequence, mark } : null;
  } catch {
    // Lost memory costs reading the sensor's again and never a reading.
    return null;
  }
};

/** The later of two numbers that may have begun again at 0: half of them ahead is later, half behind earlier. */
const isLater = (one: number, than: number): boolean => {
  const ahead = (one - than + SEQUENCES) % SEQUENCES;
  return ahead > 0 && ahead < SEQUENCES / 2;
};

/** How far the memory of a sensor has been read. */
export interface RecordProgress {
  /** What to ask for now. */
  request(run: string): AccessRequest;
  /** These are durable. */
  stored(entries: readonly RecordEntry[]): void;
  /** A live record numbered before what is known: the numbers have begun again. */
  isBehind(entries: readonly RecordEntry[]): boolean;
  /** The report came to its end. False: it does not show that the numbers are those of last time, so ask for all. */
  isProven(request: AccessRequest): boolean;
  /** Remember what is durable. Only after a report that came to its end and was proven. */
  commit(): Promise<void>;
}

/**
 * Asks from the last known record on, that one included: its coming back unchanged proves that the numbers have not
 * begun again meanwhile, also where the new ones have passed the old. Where it does not come back, all is asked for, and
 * what the region has is known by its idem. Nothing is remembered of a report that broke off: its records may have come
 * in any order, so that a later one says nothing about an earlier one.
 */
export const createRecordProgress = (memory: SensorMemory): RecordProgress => {
  let remembered = parse(memory.read(KEY));
  let run = "";
  let newest: RecordEntry | null = null;
  let proof: RecordEntry | null = null;

  return {
    request: (now) => {
      const isSameRun = remembered !== null && remembered.run === now;
      run = now;
      newest = null;
      proof = isSameRun ? remembered : null;
      return proof === null || proof.sequence >= NEAR_WRAP ? { tag: "all" } : { tag: "from", sequence: proof.sequence };
    },
    stored: (entries) => {
      for (const entry of entries) {
        if (newest === null || isLater(entry.sequence, newest.sequence)) newest = entry;
        if (proof !== null && entry.sequence === proof.sequence && entry.mark === proof.mark) proof = null;
      }
    },
    isBehind: (entries) => entries.some(({ sequence }) => newest !== null && isLater(newest.sequence, sequence)),
    isProven: (request) => {
      if (request.tag === "all") return true;
      const isProven = proof === null;
      remembered = isProven ? remembered : null;
      return isProven;
    },
    commit: async () => {
      if (newest === null) {
        const isForgotten = remembered === null && memory.read(KEY) !== null;
        if (isForgotten) await memory.write(KEY, "");
        return;
      }
      const { sequence, mark } = newest;
      if (remembered?.run === run && remembered.sequence === sequence && remembered.mark === mark) return;
      remembered = { run, sequence, mark };
      await memory.write(KEY, JSON.stringify(remembered));
    },
  };
};
