import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { ClockPairs } from "../normalise/timeline.ts";
import type { LineWatch } from "./line-watch.ts";
import type { MeterProtocol, Stored, StoredMemory } from "./meter-protocol.ts";
import { fingerprintOf, nextRecord, readProgress, startWalk, type Walk, writeProgress } from "./read-progress.ts";
import type { RecordTaker, TakenRecord } from "./record-taker.ts";
import { seenRecords, writeSeen } from "./seen-records.ts";

/** Records that are made durable together: a commit to an SD card takes as long as telling a few records does. */
const BATCH = 16;

/** What a read-out needs besides the memory. */
export interface ReadOut<R> {
  readonly protocol: Pick<MeterProtocol<R>, "decode" | "identityOf">;
  readonly take: RecordTaker<R>;
  readonly remembers: SensorMemory;
  readonly watch: LineWatch;
  /** Of the meter's clock and number, as this visit found them. */
  readonly pairs: ClockPairs;
  readonly serial: string | null;
}

type StoredRecord = Extract<Stored, { readonly tag: "record" }>;

/** Gathers records and makes them durable in batches, and then calls `onDurable`. */
interface Batches {
  add(stored: StoredRecord): Promise<void>;
  flush(): Promise<void>;
}

const createBatches = <R>(
  { protocol, take, watch, pairs, serial }: ReadOut<R>,
  onDurable: () => Promise<void>,
): Batches => {
  let held: TakenRecord<R>[] = [];
  let count = 0;
  /** False for ever after a failure: what did not become durable must not be remembered as taken. */
  let isOpen = true;

  const flush = async (): Promise<void> => {
    if (!isOpen) return;
    const ready = held;
    held = [];
    count = 0;
    isOpen = false;
    await take(ready);
    isOpen = true;
    await onDurable();
  };

  return {
    flush,
    // A record that cannot be read is kept for the technician, and counts as taken: it must not block the others.
    add: async ({ raw, at }) => {
      const decoded = protocol.decode(raw);
      if (decoded.tag === "malformed") {
        isOpen = false;
        await watch.malformed(raw, decoded.reason, decoded.detail, at);
        isOpen = true;
      } else held.push({ record: decoded.record, raw, at, pairs, serial });
      count += 1;
      if (count >= BATCH) await flush();
    },
  };
};

/**
 * From the newest record down to the first that is known. What was taken is remembered from the top down, so that a
 * read-out that breaks off goes on where it was; that all is taken, only when it is.
 */
const readNewestFirst = async <R>(memory: StoredMemory, out: ReadOut<R>): Promise<boolean> => {
  const remembered = readProgress(out.remembers, memory.name);
  let walk: Walk = startWalk(remembered);
  let top: string | null = null;
  let bottom: string | null = null;
  let isWhole = true;

  // One part is remembered at a time: above an earlier part, and within it, that one stands.
  const rememberPart = async (): Promise<void> => {
    if (!isWhole || top === null || bottom === null || walk.tag !== "new" || walk.remembered.partial !== null) return;
    await writeProgress(out.remembers, memory.name, { newest: remembered.newest, partial: { top, bottom } });
  };
  const batches = createBatches(out, rememberPart);

  try {
    for await (const stored of memory.read()) {
      if (stored.tag === "lost") {
        await batches.flush();
        isWhole = false;
        continue;
      }
      const print = fingerprintOf(out.protocol.identityOf(stored.raw));
      const next = nextRecord(walk, print);
      walk = next.walk;
      if (walk.tag === "known") break;
      top ??= print;
      bottom = print;
      if (next.take) await batches.add(stored);
    }
  } finally {
    // Also when the line is over: what came by then is whole.
    await batches.flush();
  }
  const isComplete = isWhole && walk.tag !== "taken-before";
  const newest = isComplete ? (top ?? remembered.newest) : remembered.newest;
  // Where the end of an earlier part never came, what it stood on is gone: the next read-out begins anew.
  if (isWhole) await writeProgress(out.remembers, memory.name, { newest, partial: null });
  return isComplete;
};

/**
 * From the oldest record up. Those up to the remembered one are known. Where it does not come (the meter's memory was
 * cleared or has wrapped), all are new; until that is certain they are held back, as many as the memory has.
 */
const readOldestFirst = async <R>(memory: StoredMemory, out: ReadOut<R>): Promise<boolean> => {
  const { newest } = readProgress(out.remembers, memory.name);
  let held: StoredRecord[] | null = newest === null ? null : [];
  let last: string | null = null;
  let isWhole = true;
  let canRemember = true;

  const remember = async (): Promise<void> => {
    if (last === null || !canRemember) return;
    await writeProgress(out.remembers, memory.name, { newest: last, partial: null });
  };
  const batches = createBatches(out, remember);
  const add = async (stored: StoredRecord): Promise<void> => {
    last = fingerprintOf(out.protocol.identityOf(stored.raw));
    await batches.add(stored);
  };

  try {
    for await (const stored of memory.read()) {
      if (stored.tag === "lost") {
        isWhole = false;
        break;
      }
      if (held === null) await add(stored);
      else if (fingerprintOf(out.protocol.identityOf(stored.raw)) === newest) held = null;
      else held.push(stored);
    }
    // Broken off before the known record came, they may be known: taking a record twice does no harm, forgetting does.
    canRemember = held === null || isWhole;
    for (const stored of held ?? []) await add(stored);
  } finally {
    await batches.flush();
  }
  return isWhole;
};

/** Every record, and those that were not seen before are taken. What was seen is remembered when all of it came. */
const readUnordered = async <R>(memory: StoredMemory, out: ReadOut<R>): Promise<boolean> => {
  const isSeen = seenRecords(out.remembers, memory.name);
  const batches = createBatches(out, async () => undefined);
  const prints: string[] = [];
  let isWhole = true;
  try {
    for await (const stored of memory.read()) {
      if (stored.tag === "lost") {
        isWhole = false;
        continue;
      }
      const print = fingerprintOf(out.protocol.identityOf(stored.raw));
      prints.push(print);
      if (!isSeen(print)) await batches.add(stored);
    }
  } finally {
    await batches.flush();
  }
  if (isWhole) await writeSeen(out.remembers, memory.name, prints);
  return isWhole;
};

const READERS = { "newest-first": readNewestFirst, "oldest-first": readOldestFirst, unordered: readUnordered } as const;

/**
 * Read what one memory of a meter has that was not taken before, take it, and only then remember it. True when
 * everything that the memory holds is taken. Rejects as the sink does, or when the line is over.
 */
export const readOut = <R>(memory: StoredMemory, out: ReadOut<R>): Promise<boolean> =>
  READERS[memory.order](memory, out);
