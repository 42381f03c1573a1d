import type { EntryChannel } from "../entry/entry-channel.ts";
import type { Outcome } from "../entry/entry-desk.ts";
import type { Readied } from "../entry/prepare.ts";
import { data, type Json, type Line, text } from "./command.ts";
import { labelled } from "./layout.ts";

const INDENT = 4;

/** Sentences about what was discarded meanwhile come before the answer. */
export function* noticeLines(notices: readonly string[]): Iterable<Line> {
  for (const notice of notices) for (const line of labelled("Note", notice, 6)) yield text(line);
}

export function* indented(rows: readonly string[], mark = ""): Iterable<Line> {
  for (const row of rows) for (const line of labelled(mark, row, INDENT)) yield text(line);
}

/** What was understood, and what is unusual about it. */
export function* readiedLines(title: string, { shown, doubts }: Pick<Readied, "shown" | "doubts">): Iterable<Line> {
  yield text(title);
  yield* indented(shown);
  yield* indented(doubts, "?");
}

export const readiedData = ({ prepared, shown, doubts }: Readied): Readonly<Record<string, Json>> => ({
  entry: prepared.entryId,
  title: prepared.title,
  by: prepared.by,
  shown,
  doubts,
});

const WORDS: Readonly<Record<Outcome["tag"], string>> = {
  stored: "stored",
  known: "stored before, nothing was added",
  waiting:
    "NOT on disk yet: the disk refuses (see outbox). It waits in memory; enter it again only if the hub was restarted meanwhile",
};

/**
 * Store what was confirmed, and say what became of it. Nothing is said before: an asker who leaves in mid-answer ends this,
 * and what was confirmed is stored all the same.
 */
export async function* storeLines(
  { desk, unfinished }: EntryChannel,
  readied: Readied,
  isShown: boolean,
  signal: AbortSignal,
): AsyncIterable<Line> {
  const { tag, reading } = await desk.store(readied.prepared, signal);
  const notices = unfinished.notices();
  yield* noticeLines(notices);
  if (!isShown) yield* readiedLines(readied.prepared.title, readied);
  const numbered = reading === null ? "" : ` (reading ${reading})`;
  for (const line of labelled("", `${readied.prepared.title}: ${WORDS[tag]}${numbered}`, 0)) yield text(line);
  if (reading !== null) {
    const { questionnaire = null } = readied.prepared.content ?? {};
    const short = reading.slice(0, 8);
    const correct =
      questionnaire === null ? `entry correct ${short}` : `questionnaire start ${questionnaire.id} replaces=${short}`;
    for (const line of labelled("", `A mistake? ${correct}, or entry withdraw ${short}`, 0)) yield text(line);
  }
  yield data({ outcome: tag, reading, ...readiedData(readied), notices });
  if (tag === "waiting") yield { tag: "exit", code: 1 };
}
