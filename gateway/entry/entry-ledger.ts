import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { AssignmentId, ReadingId } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { ReadingKind } from "../../protocol/reading.ts";
import { replaceDurably } from "../store/durable-file.ts";
import type { EnteredBy } from "./entry-reading.ts";
import type { MeasuredTime } from "./stated-time.ts";

/** Three forms a week and two measurements a day for half a year; about 250 bytes each. */
export const MOST_ENTRIES = 500;

const SCHEMA = "entries/1";

/** A manual reading that was stored: enough to recognise its form and to correct it. No value stands here. */
export interface PastEntry {
  readonly reading: ReadingId;
  readonly kind: ReadingKind;
  /** `weight`, `heart-failure-short@1`. */
  readonly title: string;
  readonly by: EnteredBy;
  readonly time: MeasuredTime;
  /**
   * Of the entry id, not the id: a reading's id follows from values and entry id, so whoever had both ids could try out
   * which values fit.
   */
  readonly form: string;
  readonly assignment: AssignmentId;
  /** It was corrected or withdrawn. */
  readonly isReplaced: boolean;
}

export const formOf = (entryId: string): string => hash("sha256", `hemhub.entry.1 ${entryId.toLowerCase()}`, "hex");

/** What was entered by hand for the assignment of this hub, newest last. */
export interface EntryLedger {
  readonly entries: readonly PastEntry[];
  /** Add one, marking what it replaced. Durable when it resolves, unless the disk refuses: that is logged. */
  add(entry: PastEntry | null, replaced: ReadingId | null): Promise<void>;
}

const isPastEntry = (value: unknown): value is PastEntry => {
  if (typeof value !== "object" || value === null) return false;
  const { reading, kind, title, by, time, form, assignment, isReplaced } = value as Record<string, unknown>;
  const texts = [reading, kind, title, by, form, assignment].every((one) => typeof one === "string");
  return texts && typeof time === "object" && time !== null && typeof isReplaced === "boolean";
};

const parse = (text: string): readonly PastEntry[] => {
  const { schema, entries } = JSON.parse(text) as { schema?: unknown; entries?: unknown };
  if (schema !== SCHEMA || !Array.isArray(entries) || !entries.every(isPastEntry)) throw new Error("other content");
  return entries;
};

/**
 * Open the file, or begin an empty one where it is absent or makes no sense: what is lost with it is that old entries can
 * be corrected, no reading. Entries of another assignment are dropped: whoever has the hub now has no use for them. The
 * file has `mark` of the assignment, not the assignment; a release before that wrote it plainly.
 */
export const openEntryLedger = async (
  file: string,
  assignment: AssignmentId,
  logger: Logger,
  mark: (assignment: AssignmentId) => string,
): Promise<EntryLedger> => {
  const marked = mark(assignment);
  let entries: readonly PastEntry[] = [];
  try {
    const written = parse(await readFile(file, "utf8"));
    const ours = written.filter((one) => one.assignment === marked || one.assignment === assignment);
    entries = ours.map((one) => ({ ...one, assignment }));
  } catch (thrown) {
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (!isAbsent) logger.warn("list of manual entries begun anew", { path: file, reason: messageOf(thrown) });
  }
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    try {
      const written = entries.map((one) => ({ ...one, assignment: marked }));
      await replaceDurably(file, `${JSON.stringify({ schema: SCHEMA, entries: written })}\n`);
    } catch (thrown) {
      logger.warn("list of manual entries not written", { path: file, reason: messageOf(thrown) });
    }
  };

  return {
    get entries() {
      return entries;
    },
    add: (entry, replaced) => {
      const before = entries.map((one) => (one.reading === replaced ? { ...one, isReplaced: true } : one));
      entries = [...before, ...(entry === null ? [] : [entry])].slice(-MOST_ENTRIES);
      writing = writing.then(write);
      return writing;
    },
  };
};
