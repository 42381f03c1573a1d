import { answerText, SKIP } from "../entry/answer.ts";
import { type Item, nameOf, type Questionnaire, textIn } from "../entry/definition.ts";
import type { EntryChannel } from "../entry/entry-channel.ts";
import { splitOptions } from "../entry/entry-words.ts";
import { beginForm, type Form, nextItem, putItems, withAnswer, withoutLast } from "../entry/form.ts";
import { type Readied, readyForm } from "../entry/prepare.ts";
import type { OpenForm } from "../entry/unfinished.ts";
import { quoted, wrongEntry } from "../entry/wrong-entry.ts";
import { type DiagnosticCommand, data, type Json, type Line, text } from "./command.ts";
import { indented, noticeLines, storeLines } from "./entry-lines.ts";
import { labelled } from "./layout.ts";

const scheduleText = ({ schedule }: Questionnaire): string => {
  if (schedule === null) return "when asked";
  return "days" in schedule ? schedule.days.join(", ") : `${schedule.timesPerWeek} times a week`;
};

const hintOf = (item: Item): string => {
  const skip = item.required ? "" : ` or ${SKIP}`;
  switch (item.type) {
    case "choice":
      return `1 to ${item.options.length}${skip}`;
    case "boolean":
      return `yes or no${skip}`;
    case "integer":
      return `${item.min} to ${item.max}${skip}`;
    case "decimal":
      return `${item.min} to ${item.max} ${item.unit}${skip}`;
  }
};

const placeOf = (form: Form, item: Item): string => {
  const put = putItems(form);
  return `${put.indexOf(item) + 1} of ${put.length}`;
};

function* questionLines(form: Form, item: Item): Iterable<Line> {
  const { language } = form;
  for (const line of labelled("", `(${placeOf(form, item)}) ${textIn(item.text, language)}`, 0)) yield text(line);
  if (item.type === "choice") {
    for (const [i, option] of item.options.entries()) yield* indented([textIn(option.text, language)], `${i + 1}`);
  }
  yield text(`questionnaire answer ${hintOf(item)}`);
}

const questionData = (form: Form, item: Item | null): Json =>
  item === null
    ? null
    : {
        linkId: item.linkId,
        text: textIn(item.text, form.language),
        type: item.type,
        required: item.required,
        ...(item.type === "choice"
          ? { options: item.options.map(({ code, text: words }) => ({ code, text: textIn(words, form.language) })) }
          : {}),
        ...(item.type === "integer" ? { min: item.min, max: item.max } : {}),
        ...(item.type === "decimal" ? { min: item.min, max: item.max, unit: item.unit } : {}),
      };

/** The next question, or what was answered and how to send it. */
function* stepLines({ unfinished }: EntryChannel, { form, entryId }: OpenForm): Iterable<Line> {
  const item = nextItem(form);
  const notices = unfinished.notices();
  yield* noticeLines(notices);
  if (item === null) {
    yield text(`${nameOf(form.questionnaire)}: every question has an answer, NOT STORED YET`);
    yield* answerLines(form);
    yield text("Right? questionnaire submit     Wrong? questionnaire back");
  } else yield* questionLines(form, item);
  yield data({
    questionnaire: nameOf(form.questionnaire),
    entry: entryId,
    answered: form.answers.size,
    next: questionData(form, item),
    notices,
  });
}

function* answerLines(form: Form): Iterable<Line> {
  for (const item of putItems(form)) {
    const answer = form.answers.get(item.linkId);
    if (answer === undefined) continue;
    yield* indented([`${textIn(item.text, form.language)} ${answerText(item, answer, form.language)}`], "-");
  }
}

const requireForm = ({ unfinished }: EntryChannel): OpenForm => {
  const open = unfinished.form;
  if (open !== null) return open;
  throw wrongEntry(unfinished.notices().at(-1) ?? "no form is begun here", "questionnaire start begins one");
};

const listCommand = ({ desk }: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire list",
  summary: "the forms of this hub",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const { all, problems } = desk.questionnaires;
    if (all.length === 0) yield text("no questionnaire is offered");
    for (const one of all) {
      const about = `${scheduleText(one)}, ${one.items.length} questions, ${one.languages.join(" ")}`;
      yield text(nameOf(one));
      yield* indented([textIn(one.title, one.languages[0] ?? ""), about]);
    }
    for (const problem of problems) yield* indented([problem], "!");
    yield data({
      questionnaires: all.map(({ id, version, title, languages, schedule, items, digest }) => ({
        id,
        version,
        title,
        languages,
        schedule: schedule === null ? null : { ...schedule },
        questions: items.length,
        digest,
      })),
      problems,
    });
  },
});

const startCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire start",
  summary: "begin a form; the first question follows",
  role: "service",
  usage: "<id>",
  async *run(args): AsyncIterable<Line> {
    const { desk, unfinished } = channel;
    const { rest, options } = splitOptions(args);
    const replaced = rest.find((word) => word.startsWith("replaces="))?.slice("replaces=".length);
    const [id, ...more] = rest.filter((word) => !word.startsWith("replaces="));
    if (id === undefined || more.length > 0) throw wrongEntry("name one form", "questionnaire list has them");
    if (unfinished.form !== null) {
      const name = nameOf(unfinished.form.form.questionnaire);
      throw wrongEntry(
        `${name} is begun already`,
        "questionnaire show goes on with it, questionnaire cancel forgets it",
      );
    }
    const entryId = channel.entryId(options.get("id") ?? null);
    const open: OpenForm = {
      form: beginForm(desk.questionnaire(id), options.get("lang") ?? null),
      entryId,
      by: channel.by(options.get("by") ?? null),
      replaces: replaced === undefined ? null : desk.correctable(replaced, entryId),
    };
    unfinished.setForm(open);
    for (const line of labelled("", textIn(open.form.questionnaire.title, open.form.language), 0)) yield text(line);
    yield* stepLines(channel, open);
  },
});

const answerCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire answer",
  summary: "answer the question; the next one follows",
  role: "service",
  usage: "<answer>",
  async *run(args): AsyncIterable<Line> {
    const { unfinished } = channel;
    const open = requireForm(channel);
    const [word, ...more] = args;
    if (word === undefined || more.length > 0)
      throw wrongEntry("give one answer", "questionnaire show has the question");
    const at = word.indexOf("=");
    const linkId = at > 0 ? word.slice(0, at) : nextItem(open.form)?.linkId;
    if (linkId === undefined) {
      throw wrongEntry("every question has an answer", "questionnaire submit stores them; QUESTION=ANSWER changes one");
    }
    const next = { ...open, form: withAnswer(open.form, linkId, word.slice(at + 1)) };
    unfinished.setForm(next);
    yield* stepLines(channel, next);
  },
});

const backCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire back",
  summary: "put the last question again",
  role: "service",
  async *run(): AsyncIterable<Line> {
    const open = requireForm(channel);
    const next = { ...open, form: withoutLast(open.form) };
    channel.unfinished.setForm(next);
    yield* stepLines(channel, next);
  },
});

const showCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire show",
  summary: "the answers so far and the next question",
  role: "service",
  async *run(): AsyncIterable<Line> {
    const open = requireForm(channel);
    if (nextItem(open.form) !== null) yield* answerLines(open.form);
    yield* stepLines(channel, open);
  },
});

const cancelCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire cancel",
  summary: "forget the form that was begun",
  role: "service",
  async *run(): AsyncIterable<Line> {
    const { form } = requireForm(channel);
    channel.unfinished.setForm(null);
    yield text(`${nameOf(form.questionnaire)}: forgotten, nothing was stored`);
    yield data({
      outcome: "dropped",
      questionnaire: nameOf(form.questionnaire),
      notices: channel.unfinished.notices(),
    });
  },
});

const submitCommand = (channel: EntryChannel): DiagnosticCommand => ({
  name: "questionnaire submit",
  summary: "store the answers",
  role: "service",
  usage: "[at=08:15]",
  async *run(args, signal): AsyncIterable<Line> {
    const { desk, unfinished } = channel;
    const { rest, options } = splitOptions(args);
    const [word] = rest;
    if (word !== undefined) throw wrongEntry(`${quoted(word)} is not understood`, "only at=TIME may follow");
    const open = requireForm(channel);
    const { entryId, by, replaces } = open;
    const readied: Readied = readyForm(desk, open.form, { entryId, by, replaces, at: options.get("at") ?? null });
    unfinished.setForm(null);
    try {
      yield* storeLines(channel, readied, false, signal);
    } catch (thrown) {
      unfinished.setForm(open);
      throw thrown;
    }
  },
});

/** Questionnaires, for one channel: a dialogue of short commands, so that a console of one line at a time can hold it. */
export const questionnaireCommands = (channel: EntryChannel): readonly DiagnosticCommand[] =>
  [listCommand, startCommand, answerCommand, backCommand, showCommand, submitCommand, cancelCommand].map((define) =>
    define(channel),
  );
