import type { CommandRefusal, ErasedView } from "../../protocol/desired.ts";
import { HubError } from "../../protocol/errors.ts";
import type { SealedFile } from "../store/sealed-file.ts";

/**
 * How far a command came. `accepted`: to be carried out. `erasing`: the keys may be gone. `erased`: they are, and the
 * files; what comes after is not done. `done`, `refused`: the end.
 */
export type Progress = "accepted" | "erasing" | "erased" | "done" | "refused";

export interface Entry {
  readonly id: string;
  /** Of the signed text: the same id with other content is another command. Null: a technician's. */
  readonly ref: string | null;
  readonly counter: number | null;
  readonly command: string;
  readonly body: unknown;
  readonly progress: Progress;
  readonly code: CommandRefusal | null;
  readonly reason: string | null;
}

export interface JournalState {
  readonly schema: "commands/1";
  /** Of the newest command that was accepted or refused for what it asked. */
  readonly counter: number;
  /** Oldest first. */
  readonly entries: readonly Entry[];
  readonly erased: ErasedView | null;
  /** Counters of the outbox that were handed out before the last erase. */
  readonly countersFrom: number;
}

/** The hub's memory of commands. Each change is durable when it resolves; one at a time. */
export interface Journal {
  readonly state: JournalState;
  find(id: string): Entry | null;
  /** What is to be carried out, the lowest counter first. */
  readonly pending: readonly Entry[];
  add(entry: Entry): Promise<void>;
  update(id: string, change: Partial<Pick<Entry, "progress" | "code" | "reason">>): Promise<void>;
  /** The same, and what an erase destroys or destroyed. */
  noteErase(id: string, progress: Progress, erased: ErasedView, countersFrom: number): Promise<void>;
}

/** Commands remembered with their outcome; an older one is refused by its counter. */
const MOST_ENTRIES = 64;

const EMPTY: JournalState = { schema: "commands/1", counter: 0, entries: [], erased: null, countersFrom: 0 };

const isState = (value: unknown): value is JournalState =>
  typeof value === "object" && value !== null && (value as { schema?: unknown }).schema === EMPTY.schema;

export const isPending = ({ progress }: Entry): boolean => progress !== "done" && progress !== "refused";

/** Ended ones go first: what is pending is never forgotten. A desired message has at most 16 commands. */
const bounded = (entries: readonly Entry[]): readonly Entry[] => {
  const surplus = entries.length - MOST_ENTRIES;
  const dropped = new Set(entries.filter((one) => !isPending(one)).slice(0, Math.max(0, surplus)));
  return entries.filter((one) => !dropped.has(one));
};

/** Throws HubError `outbox-key` where the file cannot be read: a forgotten counter would let old commands in again. */
export const openJournal = async (file: SealedFile): Promise<Journal> => {
  const read = await file.read();
  if (read !== null && !isState(read)) {
    throw new HubError("outbox-key", "commands: written by a newer release; install that one again");
  }
  let state: JournalState = read ?? EMPTY;
  let writing: Promise<void> = Promise.resolve();

  /** Known in memory only when it is durable. */
  const write = async (change: (before: JournalState) => JournalState): Promise<void> => {
    const written = writing.then(async () => {
      const next = change(state);
      await file.write(next);
      state = next;
    });
    writing = written.catch(() => undefined);
    await written;
  };

  const changed = (before: JournalState, id: string, change: Partial<Entry>): JournalState => ({
    ...before,
    entries: before.entries.map((one) => (one.id === id ? { ...one, ...change } : one)),
  });

  return {
    get state() {
      return state;
    },
    find: (id) => state.entries.find((one) => one.id === id) ?? null,
    get pending() {
      return state.entries.filter(isPending).toSorted((a, b) => (a.counter ?? 0) - (b.counter ?? 0));
    },
    add: (entry) =>
      write((before) => ({
        ...before,
        counter: Math.max(before.counter, entry.counter ?? 0),
        entries: bounded([...before.entries, entry]),
      })),
    update: (id, change) => write((before) => changed(before, id, change)),
    noteErase: (id, progress, erased, countersFrom) =>
      write((before) => ({ ...changed(before, id, { progress }), erased, countersFrom })),
  };
};
