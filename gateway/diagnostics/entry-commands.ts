import type { EntryChannel } from "../entry/entry-channel.ts";
import { ENTRY_KINDS } from "../entry/entry-kind.ts";
import { givenEntry, splitOptions } from "../entry/entry-words.ts";
import { type Readied, readyMeasured, readyRequest, readyWithdrawal } from "../entry/prepare.ts";
import type { WaitingEntry } from "../entry/unfinished.ts";
import { quoted, wrongEntry } from "../entry/wrong-entry.ts";
import { type DiagnosticCommand, data, type Line, text } from "./command.ts";
import { noticeLines, readiedData, readiedLines, storeLines } from "./entry-lines.ts";
import { labelled, table } from "./layout.ts";

/** Readings that `entry list` shows: what somebody may still want to correct fits on one screen. */
const MOST_LISTED = 16;

const CORRECT = "for example: entry correct 0c1f2a3b weight 81,4";
const WITHDRAW = "for example: entry withdraw 0c1f2a3b";

const requireNoWords = (words: readonly string[], next: string): void => {
  const [word] = words;
  if (word !== undefined) throw wrongEntry(`${quoted(word)} is not understood`, next);
};

const numberOf = ([word, ...more]: readonly string[], next: string): number | null => {
  requireNoWords(more, next);
  if (word === undefined) return null;
  if (/^\d{1,6}$/.test(word)) return Number(word);
  throw wrongEntry(`${quoted(word)} is no number of an entry`, next);
};

const titleOf = ({ number, prepared }: WaitingEntry): string => `${number}  ${prepared.title}: NOT STORED YET`;

/** Show an entry back and let it wait for its confirmation; or store it, where `confirm` was said at once. */
async function* place(
  channel: EntryChannel,
  readied: Readied,
  confirm: boolean,
  signal: AbortSignal,
): AsyncIterable<Line> {
  if (confirm) {
    yield* storeLines(channel, readied, false, signal);
    return;
  }
  const waiting = channel.unfinished.wait(readied);
  const notices = channel.unfinished.notices();
  yield* noticeLines(notices);
  yield* readiedLines(titleOf(waiting), readied);
  yield text(`Right? entry confirm ${waiting.number}     Wrong? entry drop ${waiting.number}`);
  yield data({ outcome: "unconfirmed", number: waiting.number, ...readiedData(readied), notices });
}

const kindsCommand: DiagnosticCommand = {
  name: "entry kinds",
  summary: "what can be entered by hand, with an example of each",
  role: "view",
  async *run(): AsyncIterable<Line> {
    for (const row of table(ENTRY_KINDS.map(({ word, example }) => [word, example]))) yield text(row);
    yield data(
      ENTRY_KINDS.map(({ word, kind, example, fields, choices }) => ({
        word,
        kind,
        example,
        fields: fields.map(({ names, required, units }) => ({
          name: names[0] ?? "",
          required,
          units: units.map(({ ucum, usual }) => ({ ucum, usual })),
        })),
        choices: choices.map(({ name, words }) => ({ name, words: [...words.keys()] })),
      })),
    );
  },
};

const addCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "entry add",
  summary: "enter a measurement, shown back first",
  role: "service",
  usage: "<kind> <value...>",
  async *run(args, signal): AsyncIterable<Line> {
    const { rest, options, confirm } = splitOptions(args);
    const how = {
      entryId: channel.entryId(options.get("id") ?? null),
      by: channel.by(options.get("by") ?? null),
      at: options.get("at") ?? null,
      replaces: null,
    };
    yield* place(channel, readyMeasured(channel.desk, givenEntry(rest), how), confirm, signal);
  },
});

const correctCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "entry correct",
  summary: "put right what was entered by hand",
  role: "service",
  usage: "<reading> ...",
  async *run(args, signal): AsyncIterable<Line> {
    const { rest, options, confirm } = splitOptions(args);
    const [reading, ...words] = rest;
    if (reading === undefined) throw wrongEntry("no reading to correct", CORRECT);
    const entryId = channel.entryId(options.get("id") ?? null);
    const how = {
      entryId,
      by: channel.by(options.get("by") ?? null),
      at: options.get("at") ?? null,
      replaces: channel.desk.correctable(reading, entryId),
    };
    yield* place(channel, readyMeasured(channel.desk, givenEntry(words), how), confirm, signal);
  },
});

const withdrawCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "entry withdraw",
  summary: "take back what was entered by hand",
  role: "service",
  usage: "<reading>",
  async *run(args, signal): AsyncIterable<Line> {
    const { rest, options, confirm } = splitOptions(args);
    const [reading, ...more] = rest;
    requireNoWords(more, WITHDRAW);
    if (reading === undefined) throw wrongEntry("no reading to take back", WITHDRAW);
    const entryId = channel.entryId(options.get("id") ?? null);
    const by = channel.by(options.get("by") ?? null);
    const how = { entryId, by, at: null, replaces: channel.desk.correctable(reading, entryId) };
    yield* place(channel, readyWithdrawal(channel.desk, how), confirm, signal);
  },
});

const showCommand = ({ unfinished }: EntryChannel): DiagnosticCommand => ({
  name: "entry show",
  summary: "what was entered here and is not confirmed yet",
  role: "service",
  async *run(): AsyncIterable<Line> {
    const notices = unfinished.notices();
    const { waiting } = unfinished;
    yield* noticeLines(notices);
    if (waiting.length === 0) yield text("no entry waits for its confirmation");
    for (const one of waiting) yield* readiedLines(titleOf(one), one);
    yield data({ waiting: waiting.map((one) => ({ number: one.number, ...readiedData(one) })), notices });
  },
});

const confirmCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "entry confirm",
  summary: "store what was shown back",
  role: "service",
  usage: "[number]",
  async *run(args, signal): AsyncIterable<Line> {
    const { unfinished } = channel;
    const entry = unfinished.remove(numberOf(args, "give the number that entry show has"));
    try {
      yield* storeLines(channel, entry, true, signal);
    } catch (thrown) {
      unfinished.putBack(entry);
      throw thrown;
    }
  },
});

const dropCommand = ({ unfinished }: EntryChannel): DiagnosticCommand => ({
  name: "entry drop",
  summary: "forget what was shown back",
  role: "service",
  usage: "[number]",
  async *run(args): AsyncIterable<Line> {
    const { number, prepared } = unfinished.remove(numberOf(args, "give the number that entry show has"));
    const notices = unfinished.notices();
    yield* noticeLines(notices);
    yield text(`${prepared.title}: dropped, nothing was stored`);
    yield data({ outcome: "dropped", number, notices });
  },
});

const listCommand = ({ desk }: EntryChannel): DiagnosticCommand => ({
  name: "entry list",
  summary: "what was entered by hand lately, without values",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const past = desk.past.slice(-MOST_LISTED).toReversed();
    if (past.length === 0) yield text("nothing was entered by hand");
    else {
      const rows = past.map(({ reading, title, by, time: { start }, isReplaced }) => [
        reading.slice(0, 8),
        start === null ? "time not known" : desk.localText(Date.parse(start)),
        title,
        by,
        isReplaced ? "taken back" : "",
      ]);
      for (const row of table([["READING", "MEASURED", "WHAT", "BY", ""], ...rows])) yield text(row);
    }
    yield data(
      past.map(({ reading, title, kind, by, time: { start }, isReplaced }) => ({
        reading,
        title,
        kind,
        by,
        start,
        isReplaced,
      })),
    );
  },
});

const submitCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "entry submit",
  summary: "one whole entry or form as JSON, from a program",
  role: "service",
  usage: "<json>",
  async *run(args, signal): AsyncIterable<Line> {
    // A console splits at spaces; between the parts of JSON they mean nothing, and inside texts none is allowed.
    const request = channel.readRequest(args.join(" "));
    const readied = readyRequest(channel.desk, request, channel.by(request.by ?? null));
    if (readied.doubts.length === 0 || request.confirm === true) {
      yield* storeLines(channel, readied, true, signal);
      return;
    }
    yield* readiedLines(`${readied.prepared.title}: NOT STORED, unusual`, readied);
    for (const line of labelled("", "If it is right, send it again with confirm: true", 0)) yield text(line);
    yield data({ outcome: "unusual", reading: null, ...readiedData(readied), notices: [] });
    yield { tag: "exit", code: 1 };
  },
});

/** Manual entry, for one channel. */
export const entryCommands = (channel: EntryChannel): readonly DiagnosticCommand[] => [
  kindsCommand,
  ...[
    addCommand,
    showCommand,
    confirmCommand,
    dropCommand,
    listCommand,
    correctCommand,
    withdrawCommand,
    submitCommand,
  ].map((define) => define(channel)),
];
