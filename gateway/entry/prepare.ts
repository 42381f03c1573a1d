import { answerText } from "./answer.ts";
import { nameOf } from "./definition.ts";
import type { EntryDesk, Prepared } from "./entry-desk.ts";
import type { EnteredBy, Replaced } from "./entry-reading.ts";
import type { EntryRequest } from "./entry-request.ts";
import { beginForm, type Form, filledForm, putItems, withAnswers } from "./form.ts";
import { type GivenEntry, measuredEntry } from "./measured-entry.ts";
import { OLD, type StatedTime } from "./stated-time.ts";
import { wrongEntry } from "./wrong-entry.ts";

/** What belongs to every entry, whatever it holds. */
export interface How {
  readonly entryId: string;
  readonly by: EnteredBy;
  /** Time of measurement as it was stated; null: now. */
  readonly at: string | null;
  readonly replaces: Replaced | null;
}

/** An entry that is understood, with what its giver should look at before it is stored. */
export interface Readied {
  readonly prepared: Prepared;
  readonly shown: readonly string[];
  /** Asked about once; not empty: the reading is marked `implausible`. */
  readonly doubts: readonly string[];
}

const timeText = (
  desk: EntryDesk,
  stated: StatedTime | null,
  replaces: Replaced | null,
  nowMs: number | null,
): string => {
  const before = replaces?.time.start ?? null;
  if (stated === null && before !== null) return `${desk.localText(Date.parse(before))}, as before`;
  if (stated === null) return nowMs === null ? "now (the hub's clock is not set)" : `now (${desk.localText(nowMs)})`;
  const local = desk.localText(stated.utcMs);
  if (stated.faults.includes("dst-fold")) {
    return `${local}, which came twice that night; add +02:00 or the like to say which`;
  }
  const age = nowMs === null ? 0 : nowMs - stated.utcMs;
  return age >= OLD ? `${local}, ${Math.floor(age / 86_400_000)} days ago` : local;
};

const common = (desk: EntryDesk, how: How): Pick<Prepared, "entryId" | "by" | "replaces" | "stated" | "at"> => {
  const at = desk.now();
  const stated = how.at === null ? null : desk.stated(how.at, at);
  return { entryId: how.entryId.toLowerCase(), by: how.by, replaces: how.replaces, stated, at };
};

const around = (desk: EntryDesk, { stated, at, by, replaces }: ReturnType<typeof common>): readonly string[] => [
  `measured ${timeText(desk, stated, replaces, at.utc)}`,
  `entered by ${by}`,
  ...(replaces === null ? [] : [`instead of ${replaces.id}`]),
];

/** Throws HubError `invalid-argument` with the next step. */
export const readyMeasured = (desk: EntryDesk, given: GivenEntry, how: How): Readied => {
  const entry = measuredEntry(given);
  const shared = common(desk, how);
  const { kind, values, context, typed, doubts } = entry;
  const content = { kind, values, context, typed, questionnaire: null, isUnusual: doubts.length > 0 };
  return {
    prepared: { ...shared, title: entry.word, content },
    shown: [...entry.shown, ...around(desk, shared)],
    doubts,
  };
};

/** Throws HubError `invalid-argument` that names what is not answered. */
export const readyForm = (desk: EntryDesk, form: Form, how: How): Readied => {
  const { questionnaire, values, typed } = filledForm(form);
  const shared = common(desk, how);
  const content = { kind: "questionnaire", values, context: {}, typed, questionnaire, isUnusual: false } as const;
  const answers = putItems(form).map((item) => {
    const answer = form.answers.get(item.linkId) ?? ({ tag: "declined" } as const);
    return `${item.linkId}: ${answerText(item, answer, form.language)}`;
  });
  return {
    prepared: { ...shared, title: nameOf(form.questionnaire), content },
    shown: [...answers, ...around(desk, shared)],
    doubts: [],
  };
};

/** Throws HubError `invalid-argument` where nothing is named that could be withdrawn. */
export const readyWithdrawal = (desk: EntryDesk, how: How): Readied => {
  if (how.replaces === null) throw wrongEntry("nothing to withdraw", "name the reading; entry list has the ids");
  const shared = common(desk, { ...how, at: null });
  return {
    prepared: { ...shared, title: "withdrawal", content: null },
    shown: [`reading ${how.replaces.id} is taken back`, `entered by ${how.by}`],
    doubts: [],
  };
};

/** A whole request at once. Throws HubError `invalid-argument`. */
export const readyRequest = (desk: EntryDesk, request: EntryRequest, by: EnteredBy): Readied => {
  const how: How = {
    entryId: request.entry,
    by,
    at: request.at ?? null,
    replaces: request.replaces === undefined ? null : desk.correctable(request.replaces, request.entry),
  };
  if ("withdraw" in request) return readyWithdrawal(desk, how);
  if ("questionnaire" in request) {
    const form = beginForm(desk.questionnaire(request.questionnaire), request.language ?? null);
    const answers = new Map(Object.entries(request.answers).map(([linkId, answer]) => [linkId, String(answer)]));
    return readyForm(desk, withAnswers(form, answers), how);
  }
  const values = Object.entries(request.values).map(
    ([name, { value, unit = null }]) => [name, { text: value, unit }] as const,
  );
  const given: GivenEntry = {
    kind: request.kind,
    values: new Map(values),
    choices: new Map(Object.entries(request.choices ?? {})),
  };
  return readyMeasured(desk, given, how);
};
